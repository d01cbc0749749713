"""Pages for people: HTML of this installation's own templates, under a policy that runs nothing else."""

from collections.abc import Sequence
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from spotify_insights.access.principal import Principal
from spotify_insights.access.scopes import UserRole
from spotify_insights.settings import Settings
from spotify_insights.web.pages.words import breakable, browser_of, day_of, moment_of, size_of, with_addresses

# Every directive that `default-src` does not stand for is named (CSP Level 3, section 6).
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action {form_action}"
)
_TEMPLATES: Final = Environment(
    loader=PackageLoader("spotify_insights.web.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {
    "day": day_of,
    "moment": moment_of,
    "size": size_of,
    "browser": browser_of,
    "breakable": breakable,
    "with_addresses": with_addresses,
}

Link = tuple[str, str]


def render_page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    form_targets: Sequence[str] = (),
    **context: Any,
) -> Response:
    """One page.

    Every template also knows `display_name` and `privacy_notice_url` (the installation's), `signed_in`
    (whether the browser is, as far as this request had to know) and `path`.

    Args:
        template: a file of `web/pages/templates/`.
        form_targets: other origins that a form of this page leads to in the end; browsers ask the policy
            about redirects of a form, too.
    """
    settings: Settings = request.app.state.runtime.settings
    viewer: Principal | None = getattr(request.state, "viewer", None)
    html = _TEMPLATES.get_template(template).render(
        display_name=settings.display_name,
        privacy_notice_url=settings.privacy_notice_url,
        signed_in=viewer is not None,
        is_admin=viewer is not None and viewer.role is UserRole.ADMIN,
        path=request.url.path,
        **context,
    )
    headers = {
        "Content-Security-Policy": _POLICY.format(form_action=" ".join(["'self'", *form_targets])),
        "Cache-Control": "no-store",
        # Not `no-referrer`: under it browsers send `Origin: null` with our own forms, and those would be
        # refused as foreign (Fetch, "append a request Origin header"). To others nothing is told either way.
        "Referrer-Policy": "same-origin",
    }
    return HTMLResponse(html, status_code=status, headers=headers)


def message_page(
    request: Request,
    *,
    status: int,
    title: str,
    what_happened: str,
    what_to_do: Sequence[str] | str,
    actions: Sequence[Link] = (),
) -> Response:
    """A page that says what happened and what to do next: for everything that did not go as wished.

    Args:
        what_to_do: one sentence, or several steps in their order.
        actions: where to go from here, as label and address; the first one is the proposal.
    """
    steps = [what_to_do] if isinstance(what_to_do, str) else list(what_to_do)
    return render_page(
        request,
        "message.html",
        status=status,
        title=title,
        what_happened=what_happened,
        steps=steps,
        actions=list(actions),
        went_well=status < 400,
    )


def see_other(path: str) -> Response:
    """Go on there with a GET (RFC 9110, section 15.4.4): after every form that did what it should."""
    return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})
