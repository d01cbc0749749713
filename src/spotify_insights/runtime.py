"""The one place that chooses the concrete parts. Built once per process and handed down."""

from dataclasses import dataclass
from functools import partial
from typing import Self

from spotify_insights.access.authenticate import Authenticator
from spotify_insights.access.refresh_tokens import RefreshTokens
from spotify_insights.accounts.access import AccessTokens
from spotify_insights.accounts.call_budget import CallBudget
from spotify_insights.audio_features.reccobeats import RECCOBEATS, RECCOBEATS_APART, ReccoBeats
from spotify_insights.audit.record import AuditLog
from spotify_insights.cache.cache import Cache
from spotify_insights.cache.shared_pace import SharedPace
from spotify_insights.database.database import Database
from spotify_insights.database.role import DatabaseRole
from spotify_insights.idempotency.purge import purge_old_keys
from spotify_insights.idempotency.request_hash import RequestHasher
from spotify_insights.insights.narrators.narrator import Narrator
from spotify_insights.insights.narrators.template.narrator import TemplateNarrator
from spotify_insights.installation.secrets import InstallationSecrets
from spotify_insights.jobs.celery_app import create_celery
from spotify_insights.jobs.relay.publisher import CeleryPublisher
from spotify_insights.jobs.relay.relay import Relay
from spotify_insights.jobs.slots import Schedule
from spotify_insights.jobs.upkeep.monitor import watch
from spotify_insights.jobs.upkeep.purge import purge
from spotify_insights.jobs.upkeep.retention import Retention
from spotify_insights.jobs.upkeep.thresholds import Thresholds
from spotify_insights.listenbrainz.client import ListenBrainzClient
from spotify_insights.listenbrainz.connection import LISTENBRAINZ_APART
from spotify_insights.listenbrainz.genres import ListenBrainzGenres
from spotify_insights.listening.fetch import SpotifySource
from spotify_insights.outbound.deadline import DeadlineTransport
from spotify_insights.schedule import schedule_of
from spotify_insights.security.key_source import key_source_of
from spotify_insights.security.sealing import Sealer
from spotify_insights.settings import Settings
from spotify_insights.sign_in.providers.listenbrainz import ListenBrainzProvider
from spotify_insights.sign_in.providers.registry import Providers, providers_of
from spotify_insights.sign_in.providers.spotify import SpotifyProvider
from spotify_insights.sign_in.redirect_uri import redirect_uri
from spotify_insights.spotify.http_client import SpotifyHttpClient
from spotify_insights.spotify.login import AppCredentials
from spotify_insights.tables import metadata as _every_table_is_mapped  # noqa: F401  # foreign keys resolve


@dataclass(frozen=True)
class Runtime:
    """Everything a door needs. Threads may share it, processes may not: build it after a fork."""

    settings: Settings
    database: Database
    relay_database: Database
    cache: Cache
    sealer: Sealer
    installation_secrets: InstallationSecrets
    audit: AuditLog
    authenticator: Authenticator
    refresh_tokens: RefreshTokens
    request_hasher: RequestHasher
    spotify_http: SpotifyHttpClient
    tokens: AccessTokens
    spotify: SpotifySource
    listenbrainz: ListenBrainzClient
    reccobeats: ReccoBeats | None
    genres: ListenBrainzGenres | None
    providers: Providers
    narrator: Narrator

    @classmethod
    def from_settings(
        cls, settings: Settings, *, role: DatabaseRole, process: str = "spotify-insights"
    ) -> Self:
        """Build all parts; opens no connection yet.

        Args:
            role: what this process may do in the database.
            process: what this process calls itself in PostgreSQL's list of connections.

        Raises:
            SetupError: the key ring is missing or damaged.
        """
        database = Database(
            settings.database_url.get_secret_value(),
            role=role,
            pool_size=settings.database_pool_size,
            application_name=process,
        )
        # Its own few connections: a relay moves jobs, and nothing else is its business.
        relay_database = Database(
            settings.database_url.get_secret_value(),
            role=DatabaseRole.RELAY,
            pool_size=2,
            application_name="spotify-insights relay",
        )
        sealer = Sealer(key_source_of(settings))
        installation_secrets = InstallationSecrets(database, sealer)
        transport = DeadlineTransport()
        http = SpotifyHttpClient(
            api_url=settings.spotify_api_url,
            accounts_url=settings.spotify_accounts_url,
            transport=transport,
        )
        cache = Cache((settings.cache_url or settings.redis_url).get_secret_value())
        listenbrainz_pace = SharedPace(cache, "listenbrainz", apart=LISTENBRAINZ_APART)
        listenbrainz = ListenBrainzClient(
            api_url=settings.listenbrainz_api_url, transport=transport, pace=listenbrainz_pace
        )
        app = AppCredentials(
            client_id=settings.spotify_client_id, client_secret=settings.spotify_client_secret
        )
        budget = CallBudget(
            database,
            client_id=settings.spotify_client_id,
            calls_per_day=settings.spotify_calls_per_day,
        )
        tokens = AccessTokens(database, sealer, http, app, budget)
        return cls(
            settings=settings,
            database=database,
            relay_database=relay_database,
            cache=cache,
            sealer=sealer,
            installation_secrets=installation_secrets,
            audit=AuditLog(installation_secrets),
            authenticator=Authenticator.of_installation(
                installation_secrets,
                public_url=settings.public_url,
                session_idle_days=settings.session_idle_days,
            ),
            refresh_tokens=RefreshTokens(installation_secrets),
            request_hasher=RequestHasher(installation_secrets),
            spotify_http=http,
            tokens=tokens,
            spotify=SpotifySource(http=http, tokens=tokens, budget=budget, mode=settings.spotify_mode),
            listenbrainz=listenbrainz,
            reccobeats=ReccoBeats(
                api_url=settings.reccobeats_api_url,
                transport=transport,
                pace=SharedPace(cache, RECCOBEATS, apart=RECCOBEATS_APART),
            )
            if settings.reccobeats == "on"
            else None,
            genres=ListenBrainzGenres(
                api_url=settings.listenbrainz_api_url, transport=transport, pace=listenbrainz_pace
            )
            if settings.genre_tags == "on"
            else None,
            providers=providers_of(
                SpotifyProvider(
                    http=http,
                    app=app,
                    budget=budget,
                    sealer=sealer,
                    accounts_url=settings.spotify_accounts_url,
                    redirect_uri=redirect_uri(settings.public_url, SpotifyProvider.name),
                ),
                ListenBrainzProvider(listenbrainz, sealer),
            ),
            narrator=TemplateNarrator(),
        )

    def schedule(self) -> Schedule:
        """What happens by the clock.

        Raises:
            SetupError: a cron setting is not a cron expression.
        """
        return schedule_of(self.settings)

    def create_relay(self) -> Relay:
        """A relay over this runtime's database, which publishes to the broker of the settings.

        Raises:
            SetupError: a cron setting is not a cron expression.
        """
        publisher = CeleryPublisher(create_celery(self.settings.redis_url.get_secret_value()))
        retention = Retention.from_settings(self.settings, further=[purge_old_keys])
        schedule = self.schedule()
        return Relay(
            self.relay_database,
            publisher,
            schedule=schedule,
            purge=partial(purge, retention=retention),
            watch=partial(watch, self.relay_database, Thresholds.from_settings(self.settings), schedule),
        )

    def close(self) -> None:
        """Close every connection."""
        self.spotify_http.close()
        self.listenbrainz.close()
        if self.reccobeats is not None:
            self.reccobeats.close()
        if self.genres is not None:
            self.genres.close()
        self.cache.close()
        self.relay_database.close()
        self.database.close()
