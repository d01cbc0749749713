"""The consent page: who are you today, and may this app see your listening?"""

from collections.abc import Mapping
from html import escape
from string import Template
from typing import Final

from spotify_insights.pretend_spotify.personas import PERSONAS, Persona

# Nothing is loaded and nobody frames the page; the form may lead to the app, wherever that is.
PAGE_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
_SCOPE_WORDS: Final = {
    "user-read-email": "See your e-mail address",
    "user-read-private": "See your country and kind of subscription",
    "user-read-recently-played": "See what you played recently",
    "user-top-read": "See your top artists and tracks",
}
_PASSED_ON: Final = (
    "client_id",
    "response_type",
    "redirect_uri",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
)

_PAGE: Final = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Allow access · Pretend Spotify</title>
<style>
:root { color-scheme: light dark; --page: #f3f1ec; --card: #fff; --ink: #1d1b19; --soft: #6a655e;
  --line: #dfdad1; --accent: #2f6f4f; --on-accent: #fff; }
@media (prefers-color-scheme: dark) { :root { --page: #151615; --card: #1f2120; --ink: #f0eee9;
  --soft: #a5a19a; --line: #383b39; --accent: #7fcf9f; --on-accent: #10251a; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem 1rem;
  background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 33rem; background: var(--card); border: 1px solid var(--line);
  border-radius: 1.1rem; padding: clamp(1.25rem, 5vw, 2.25rem); }
h1 { font-size: 1.4rem; line-height: 1.25; margin: 0 0 .35rem; overflow-wrap: anywhere; }
p { margin: 0 0 1rem; color: var(--soft); }
ul { margin: 0 0 1.5rem; padding-left: 1.2rem; }
fieldset { border: 0; margin: 0 0 1.5rem; padding: 0; display: grid; gap: .5rem; }
legend { font-weight: 600; padding: 0; margin-bottom: .5rem; }
label { display: grid; grid-template-columns: auto 1fr; gap: 0 .75rem; align-items: center;
  border: 1px solid var(--line); border-radius: .7rem; padding: .6rem .8rem; cursor: pointer; }
label:has(:checked) { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
label small { grid-column: 2; color: var(--soft); }
input { accent-color: var(--accent); }
.answers { display: flex; flex-wrap: wrap; gap: .75rem; }
button { flex: 1 1 9rem; font: inherit; font-weight: 600; padding: .75rem 1rem; border-radius: 2rem;
  border: 1px solid var(--line); background: none; color: inherit; cursor: pointer; }
button[value=agree] { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
</style>
</head>
<body>
<main>
<h1>Let $client see your listening?</h1>
<p>This is a pretend Spotify. Everybody and every song here is invented.</p>
<ul>$scopes</ul>
<form method="post" action="/authorize">
$passed_on
<fieldset><legend>Listen as</legend>
$personas
</fieldset>
<div class="answers">
<button name="decision" value="agree">Agree</button>
<button name="decision" value="cancel">Cancel</button>
</div>
</form>
</main>
</body>
</html>
""")


def render_authorize_page(
    fields: Mapping[str, str], *, scopes: tuple[str, ...], client_id: str, chosen_persona: str
) -> str:
    """The page as HTML; `fields` are the checked query's, handed on with the answer."""
    words = [_SCOPE_WORDS[scope] for scope in scopes] or ["See your name and picture"]
    return _PAGE.substitute(
        client=escape(client_id),
        scopes="".join(f"<li>{word}</li>" for word in words),
        passed_on="\n".join(
            f'<input type="hidden" name="{name}" value="{escape(fields[name])}">'
            for name in _PASSED_ON
            if name in fields
        ),
        personas="\n".join(_choice(persona, chosen=persona.key == chosen_persona) for persona in PERSONAS),
    )


def _choice(persona: Persona, *, chosen: bool) -> str:
    checked = " checked" if chosen else ""
    return (
        f'<label><input type="radio" name="persona" value="{escape(persona.key)}"{checked}>'
        f"<span>{escape(persona.display_name)}</span><small>{escape(persona.description)}</small></label>"
    )
