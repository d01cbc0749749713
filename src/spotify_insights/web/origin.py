"""Where a request came from and who sent it, as the audit log keeps it."""

from starlette.requests import HTTPConnection

from spotify_insights.audit.record import Origin
from spotify_insights.audit.trail import AuditTrail
from spotify_insights.database.actor import Actor
from spotify_insights.runtime import Runtime
from spotify_insights.web.client_address import client_address, shortened


def origin_of(request: HTTPConnection) -> Origin:
    """The request's id and its address, shortened to the network: /24 for IPv4, /48 for IPv6."""
    return Origin(request_id=request.scope.get("request_id"), address=shortened(client_address(request)))


def trail_of(request: HTTPConnection, runtime: Runtime, actor: Actor) -> AuditTrail:
    """What `actor` leaves in the audit log by this request."""
    return AuditTrail(runtime.audit, actor, origin_of(request))
