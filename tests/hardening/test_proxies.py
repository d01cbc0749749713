"""Whose request it is, behind proxies: what a trusted one says counts, what anybody else says does not."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limit_trials import service, small
from spotify_insights.errors import SetupError
from spotify_insights.settings import Settings
from spotify_insights.web.client_address import limited_as, parsed_address, shortened
from spotify_insights.web.middleware.forwarded import forwarded_client, trusted_networks

TRUSTED = trusted_networks("10.0.0.0/8, 2001:db8:ffff::/48")
PROXIES = st.one_of(st.ip_addresses(network="10.0.0.0/8"), st.ip_addresses(network="2001:db8:ffff::/48")).map(
    str
)


def is_stranger(text: str) -> bool:
    address = parsed_address(text)
    return address is not None and not any(address in network for network in TRUSTED)


STRANGERS = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str).filter(is_stranger)
PEER = ipaddress.ip_address("10.0.0.1")
# Whatever a client may put there, commas and all.
INVENTED = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)


@given(st.lists(INVENTED, max_size=3), STRANGERS, st.lists(PROXIES, max_size=4))
def test_the_client_is_whom_the_first_trusted_proxy_heard(
    invented: list[str], client: str, proxies: list[str]
) -> None:
    """Nothing that stands before the client's own address, as any client may invent it, changes that."""
    header = ", ".join([*invented, client, *proxies])

    assert forwarded_client(PEER, [header], TRUSTED) == parsed_address(client)
    # Several headers are one list (RFC 9110, section 5.3).
    split = [*invented, client, *proxies]
    assert forwarded_client(PEER, split, TRUSTED) == parsed_address(client)


@given(st.lists(PROXIES, min_size=1, max_size=4))
def test_where_all_are_trusted_it_is_the_first(proxies: list[str]) -> None:
    assert forwarded_client(PEER, [",".join(proxies)], TRUSTED) == parsed_address(proxies[0])


@given(st.lists(PROXIES, max_size=3), st.sampled_from(["unknown", "_hidden", "", "1.2.3", "evil.example"]))
def test_an_entry_that_is_no_address_ends_the_chain(proxies: list[str], nonsense: str) -> None:
    expected = parsed_address(proxies[0]) if proxies else PEER

    assert forwarded_client(PEER, [", ".join(["198.51.100.1", nonsense, *proxies])], TRUSTED) == expected


@pytest.mark.parametrize(
    ("entry", "client"),
    [
        ("198.51.100.1:4711", "198.51.100.1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_an_entry_is_read_however_proxies_write_it(entry: str, client: str) -> None:
    assert str(forwarded_client(PEER, [entry], TRUSTED)) == client


@pytest.mark.parametrize("text", ["everybody", "10.0.0.0/8 10.1.0.0/16", "10.0.0.0/33", "*"])
def test_proxies_that_cannot_be_read_are_told_at_the_start(text: str) -> None:
    with pytest.raises(SetupError, match="TRUSTED_PROXIES"):
        trusted_networks(text)


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_a_shortened_address_still_holds_it_and_many_others(address: object) -> None:
    text = str(address)
    parsed = parsed_address(text)
    assert parsed is not None
    network = ipaddress.ip_network(shortened(text))

    assert parsed in network
    assert network.prefixlen == (24 if parsed.version == 4 else 48)
    assert parsed in ipaddress.ip_network(limited_as(text))


@pytest.mark.parametrize("text", ["", "unknown", "testclient", "1.2.3", "::1::"])
def test_what_is_no_address_is_nobodys(text: str) -> None:
    assert shortened(text) == limited_as(text) == "unknown"


def answers_to_two_clients(settings: Settings, proxies: str) -> list[int]:
    """The answers to two clients behind one proxy, where each client has one request."""
    with service(small(settings, requests_per_minute=1, trusted_proxies=proxies)) as client:
        return [
            client.get("/openapi.json", headers={"X-Forwarded-For": forwarded}).status_code
            for forwarded in ("198.51.100.1", "198.51.100.2")
        ]


@pytest.mark.parametrize(
    ("proxies", "statuses"),
    [
        ("203.0.113.7", [200, 200]),
        ("203.0.113.0/24, 10.0.0.0/8", [200, 200]),
        ("", [200, 429]),
        ("203.0.113.8", [200, 429]),
    ],
    ids=["trusted", "in a trusted network", "nobody is trusted", "another is trusted"],
)
def test_limits_follow_what_a_trusted_proxy_says_and_nobody_else(
    settings: Settings, proxies: str, statuses: list[int]
) -> None:
    assert answers_to_two_clients(settings, proxies) == statuses


@pytest.mark.parametrize(
    ("proxies", "scheme"), [("203.0.113.7", "https"), ("", "http")], ids=["trusted", "not trusted"]
)
def test_the_scheme_is_taken_from_a_trusted_proxy_alone(
    settings: Settings, proxies: str, scheme: str
) -> None:
    with service(small(settings, trusted_proxies=proxies)) as client:
        answer = client.get("/openapi.json/", headers={"X-Forwarded-Proto": "https"})

    assert (answer.status_code, answer.headers["location"]) == (
        307,
        f"{scheme}://127.0.0.1:8000/openapi.json",
    )
