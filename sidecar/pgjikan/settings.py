"""What the environment tells pgjikan, read once, and where its database is."""

from __future__ import annotations

import os

from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import AliasChoices, Field, HttpUrl, Secret, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from pgjikan.errors import PgjikanError

#: Any of these in the environment means that libpq knows where to go.
LIBPQ_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGDATABASE", "PGSERVICE", "PGPORT", "PGUSER")


class Settings(BaseSettings):
    """Settings of a process, from variables with the prefix ``PGJIKAN_``; secrets never show.

    Rules about freshness, priority, retry and limits are not here: they are rows of
    ``jikan_sync.setting``, ``freshness_policy`` and ``provider`` in the database.
    """

    model_config = SettingsConfigDict(
        env_prefix="PGJIKAN_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    contact: str = Field(
        default="", description="Who to reach about our requests; part of the User-Agent."
    )
    jikan_url: Secret[HttpUrl] | None = Field(
        default=None,
        description="Base URL to use instead of the first provider's; may name user and password.",
    )
    server_keys: dict[str, SecretStr] = Field(
        default_factory=dict,
        description='Server keys by provider, as JSON: {"tenrai": "…"}.',
    )
    connect_timeout: float = Field(default=5.0, gt=0, description="Seconds to reach an upstream.")
    read_timeout: float = Field(default=20.0, gt=0, description="Seconds between two bytes.")
    request_deadline: float = Field(default=45.0, gt=0, description="Seconds for a whole request.")
    canary_deadline: float = Field(
        default=10.0, gt=0, description="The same for a request that only looks for signs of life."
    )
    jikan_requests: int = Field(
        default=2,
        ge=1,
        description="Requests under way at once; over 1 for upstreams that take over a second.",
    )
    max_body_bytes: int = Field(default=10_000_000, gt=0, description="Largest body to accept.")
    gemini_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=AliasChoices("PGJIKAN_GEMINI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"),
        description="Key of the Gemini API.",
    )
    google_base_url: Secret[HttpUrl] | None = Field(
        default=None, description="Base URL to use instead of Google's (a proxy, a test)."
    )
    embedding_timeout_seconds: float = Field(
        default=60.0, gt=0, description="Seconds for a whole request to an embeddings API."
    )
    embedding_threads: int = Field(
        default=1, ge=1, description="Threads of the local embedding model."
    )
    poll_seconds: float = Field(
        default=5.0, gt=0, description="Longest wait between two looks at the queue."
    )
    tick_seconds: float = Field(default=30.0, gt=0, description="How often overdue jobs run.")


def read_settings() -> Settings:
    """The settings of this process. Raises PgjikanError naming each bad variable."""
    try:
        return Settings()
    except ValidationError as error:
        bad = "; ".join(
            f"PGJIKAN_{'_'.join(str(part) for part in item['loc']).upper()}: {item['msg']}"
            for item in error.errors(include_input=False)
        )
        raise PgjikanError(
            f"a setting of the environment is wrong: {bad}", hint="Correct or unset it."
        ) from None


def resolve_dsn(dsn: str | None = None) -> str:
    """The database to use: ``dsn``, else DATABASE_URL, else libpq's PG*, else the embedded server.

    Raises PgjikanError when nothing is given and no embedded server runs.
    """
    given = dsn or os.environ.get("DATABASE_URL")
    if given:
        return given
    if any(name in os.environ for name in LIBPQ_VARIABLES):
        return ""
    from pgjikan.server import EmbeddedServer, default_data_dir

    server = EmbeddedServer(default_data_dir())
    if not server.is_running():
        raise PgjikanError(
            "no database is given and the embedded server does not run",
            hint="Start one with `pgjikan up` (or `pgjikan server start`), "
            "or set DATABASE_URL or pass --dsn.",
        )
    return server.dsn()


def with_application_name(dsn: str, name: str, **parameters: str) -> str:
    """``dsn`` with ``application_name`` and further parameters, where it does not set them."""
    given = conninfo_to_dict(dsn)
    defaults: dict[str, str] = {"application_name": name, "connect_timeout": "10", **parameters}
    return make_conninfo(dsn, **{k: v for k, v in defaults.items() if k not in given})
