"""What the environment tells pgjikan, read once, and where its database is."""

from __future__ import annotations

import os
import re
from typing import Literal

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import (
    AliasChoices,
    Field,
    HttpUrl,
    Secret,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from pgjikan.errors import PgjikanError
from pgjikan.redaction import hide

#: Any of these in the environment means that libpq knows where to go.
LIBPQ_VARIABLES = ("PGHOST", "PGHOSTADDR", "PGDATABASE", "PGSERVICE", "PGPORT", "PGUSER")


class Settings(BaseSettings):
    """Settings of a process, from variables with the prefix ``PGJIKAN_``; secrets never show.

    Rules about freshness, priority, retry and limits are not here: they are rows of
    ``jikan_sync.setting``, ``freshness_policy`` and ``provider`` in the database.
    """

    model_config = SettingsConfigDict(
        env_prefix="PGJIKAN_",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    listen_dsn: SecretStr | None = Field(
        default=None,
        description="The server's own address, to LISTEN on, where the database's is a pooler's.",
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
    # Its matrices are small: with two threads the same texts took twice as long (bench of 300 texts
    # on two busy cores: 2.4 s with one, 5.9 s with two).
    embedding_threads: int = Field(
        default=1, ge=1, description="Threads of the local embedding model."
    )
    log_level: Literal["debug", "info", "warning", "error"] | None = Field(
        default=None, description="The least that is logged; default: as the command would."
    )
    poll_seconds: float = Field(
        default=5.0, gt=0, description="Longest wait between two looks at the queue."
    )
    tick_seconds: float = Field(default=30.0, gt=0, description="How often overdue jobs run.")

    @field_validator("log_level", mode="before")
    @classmethod
    def _in_any_case(cls, value: object) -> object:
        return (value.strip().lower() or None) if isinstance(value, str) else value

    def secrets(self) -> list[str]:
        """Whatever of these settings nobody may see."""
        urls = [url.get_secret_value() for url in (self.jikan_url, self.google_base_url) if url]
        keys = [*self.server_keys.values(), *([self.gemini_api_key] if self.gemini_api_key else [])]
        listening = conninfo_to_dict(self.listen_dsn.get_secret_value()) if self.listen_dsn else {}
        passwords = [str(listening["password"])] if listening.get("password") else []
        return (
            passwords
            + [key.get_secret_value() for key in keys]
            + [
                part
                for url in urls
                for part in (url.password, f"{url.username}:{url.password}")
                if url.password and part
            ]
        )

    def listener_dsn(self, dsn: str) -> str:
        """Where to LISTEN: the server's own address if it is given, else ``dsn``."""
        return self.listen_dsn.get_secret_value() if self.listen_dsn else dsn


def read_settings() -> Settings:
    """The settings of this process. Raises PgjikanError naming each bad variable."""
    try:
        settings = Settings()
    except SettingsError as error:  # it says which, and quotes nothing of it
        field = re.search(r'field "(\w+)"', str(error))
        bad = f"{_variable(field[1] if field else '')}: it is not JSON"
    except ValidationError as error:
        bad = "; ".join(
            "".join((_variable(str(name)), *(f"[{part}]" for part in parts), f": {item['msg']}"))
            for item in error.errors(include_input=False)
            for name, *parts in [item["loc"]]
        )
    else:
        hide(settings.secrets())
        return settings
    raise PgjikanError(
        f"a setting of the environment is wrong: {bad}", hint="Correct or unset it."
    ) from None


#: Variables that are no settings of a process: options, the compose file's, the tests'.
_OTHER_VARIABLES = re.compile(
    r"PGJIKAN_(PROJECT|REGISTRY|PRIMARY_DSN|DB_PORT|PROMETHEUS_PORT|GRAFANA_PORT|SQITCH"
    r"|TRIXIE_ROOT|DOCS_UPDATE|FUZZ|(GATEWAY|TEST|CHAOS|FAILOVER)_.*)"
)


def unknown_variables() -> list[str]:
    """The names of variables that look like settings and that nothing reads."""
    known = {f"PGJIKAN_{name.upper()}" for name in Settings.model_fields}
    return sorted(
        name
        for name in os.environ
        if name.upper().startswith("PGJIKAN_")
        and name.upper() not in known
        and not _OTHER_VARIABLES.fullmatch(name.upper())
    )


def _variable(name: str) -> str:
    """The variable that sets a field; of an alias the error names the variable itself."""
    return f"PGJIKAN_{name.upper()}" if name in Settings.model_fields else name


def resolve_dsn(dsn: str | None = None) -> str:
    """The database to use: ``dsn``, else DATABASE_URL, else libpq's PG*, else the embedded server.

    Raises PgjikanError when nothing is given and no embedded server runs.
    """
    given = dsn or os.environ.get("DATABASE_URL")
    hide(filter(None, [os.environ.get("PGPASSWORD"), _password(given)]))
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


def hide_password(dsn: str) -> None:
    """Never tell the password that ``dsn`` has, if it has one."""
    hide(filter(None, [_password(dsn)]))


def _password(dsn: str | None) -> str | None:
    try:
        found = conninfo_to_dict(dsn or "").get("password")
    except ProgrammingError:  # whoever connects will say what is wrong with it
        return None
    return str(found) if found else None


#: For who reads: of several servers those that only read, each as often as the others.
STANDBYS_FIRST = {"target_session_attrs": "prefer-standby", "load_balance_hosts": "random"}

#: A server that is cut off says nothing, not even that it is gone: found out within half a minute.
_FOUND_OUT = {
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


def with_application_name(dsn: str, name: str, **parameters: str) -> str:
    """``dsn`` with ``application_name`` and further parameters, where it does not set them.

    Of several hosts it is the primary that is meant, unless the DSN or ``parameters`` say another,
    and one that does not answer is passed by sooner.
    """
    given = conninfo_to_dict(dsn)
    defaults = {"application_name": name, "connect_timeout": "10", **_FOUND_OUT, **parameters}
    if names_several_hosts(dsn):
        defaults["connect_timeout"] = "3"
        if "PGTARGETSESSIONATTRS" not in os.environ:
            defaults.setdefault("target_session_attrs", "read-write")
    return make_conninfo(dsn, **{k: v for k, v in defaults.items() if k not in given})


def names_several_hosts(dsn: str) -> bool:
    """Whether ``dsn``, else libpq's own variables, lists servers to choose from."""
    given = conninfo_to_dict(dsn)
    named = [given.get("hostaddr"), given.get("host")]
    if not any(named):
        named = [os.environ.get("PGHOSTADDR"), os.environ.get("PGHOST")]
    return any("," in str(hosts) for hosts in named if hosts)
