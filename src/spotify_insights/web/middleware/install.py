"""All walls, in the order in which a request meets them."""

from fastapi import FastAPI

from spotify_insights.settings import Settings
from spotify_insights.web.http_metrics import HttpMetrics
from spotify_insights.web.middleware.address_limits import AddressLimits
from spotify_insights.web.middleware.bounded_body import BoundedBody
from spotify_insights.web.middleware.cross_site import SameOriginOnly
from spotify_insights.web.middleware.forwarded import TrustedProxies, trusted_networks
from spotify_insights.web.middleware.head_as_get import HeadAsGet
from spotify_insights.web.middleware.hosts import LocalOnly, PublicHostOnly
from spotify_insights.web.middleware.last_resort import LastResort
from spotify_insights.web.middleware.request_id import RequestId
from spotify_insights.web.middleware.safe_headers import SafeHeaders
from spotify_insights.web.session_cookie import cookie_name


def install_walls(app: FastAPI, settings: Settings) -> None:
    """Put every wall around `app` that these settings ask for.

    Raises:
        SetupError: TRUSTED_PROXIES cannot be read.
    """
    is_open = settings.auth_mode == "open"
    networks = trusted_networks(settings.trusted_proxies)
    # The last one added is the first one asked.
    app.add_middleware(HeadAsGet)
    app.add_middleware(BoundedBody, upload_limit_mb=settings.upload_limit_mb)
    app.add_middleware(AddressLimits, everything=not is_open, session_cookie=cookie_name(settings))
    app.add_middleware(SameOriginOnly, settings=settings)
    if is_open:
        app.add_middleware(LocalOnly, public_url=settings.public_url)
    else:
        app.add_middleware(PublicHostOnly, public_url=settings.public_url)
    app.add_middleware(LastResort)
    if networks:
        app.add_middleware(TrustedProxies, networks=networks)
    app.add_middleware(SafeHeaders, encrypted=settings.serves_tls)
    app.add_middleware(RequestId)
    app.add_middleware(HttpMetrics)
