"""`pgjikan serve`: Jikan's REST API over HTTP, from the database."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated

import typer

from pgjikan.cli.options import Dsn
from pgjikan.connection import connect
from pgjikan.dashboard.guard import is_loopback
from pgjikan.errors import PgjikanError
from pgjikan.schema import require_schema
from pgjikan.settings import STANDBYS_FIRST, hide_password, resolve_dsn, with_application_name


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8080,
    dsn: Dsn = None,
    primary_dsn: Annotated[
        str,
        typer.Option(
            envvar="PGJIKAN_PRIMARY_DSN",
            help="With --dsn a standby: the primary, which is told what is missing.",
        ),
    ] = "",
    workers: Annotated[
        int,
        typer.Option(min=1, max=64, help="Processes, which share what misses a client may cause."),
    ] = 1,
    connections: Annotated[
        int, typer.Option(min=1, max=200, help="Sessions with the database, per process.")
    ] = 4,
    pass_through: Annotated[
        bool,
        typer.Option(
            "--pass-through",
            help="Ask an upstream for what is not anime; needs jikan_sidecar too.",
        ),
    ] = False,
    trusted_proxy: Annotated[
        str,
        typer.Option(
            help="Addresses or networks, by commas, whose X-Forwarded-For names the client."
        ),
    ] = "",
    access_log: Annotated[bool, typer.Option(help="Log a line for each request.")] = True,
) -> None:
    """Answer Jikan's v4 API: any client of it works with this base URL, under /v4, /v1 and bare.

    Nothing is asked of an upstream while you wait but what the database has never had. Its login
    needs anime_reader, nothing more. There is no password on it: beyond loopback put a proxy.

    \b
    Examples:
      pgjikan serve
      pgjikan serve --port 9000 --workers 2
    """
    from pgjikan import log
    from pgjikan.gateway.server import listen, serve, url_of
    from pgjikan.gateway.settings import GatewaySettings
    from pgjikan.sidecar import stop_on_signals

    log.configure()
    target = resolve_dsn(dsn)
    hide_password(primary_dsn)
    check_addresses(trusted_proxy)
    check(target)
    if not is_loopback(host):
        typer.echo(
            f"warning: listening on {host}: whoever reaches this port can read everything and "
            "have titles fetched; MyAnimeList's terms are yours to keep (docs/how-to/gateway.md)",
            err=True,
        )
    listening = listen(host, port)
    typer.echo(f"gateway: {url_of(listening, host)}  (Ctrl-C ends it)")
    serve(
        listening,
        GatewaySettings(
            dsn=target,
            primary_dsn=primary_dsn,
            connections=connections,
            pass_through=pass_through,
            trusted_proxy=trusted_proxy,
            access_log=access_log,
        ),
        workers=workers,
        stop_on_signals=stop_on_signals,
    )


def check_addresses(addresses: str) -> None:
    """Refuse what names no address or network. Raises typer.BadParameter."""
    for address in filter(None, map(str.strip, addresses.split(","))):
        try:
            ip_network(address)
        except ValueError as error:
            raise typer.BadParameter(
                f"{error} (give addresses such as 127.0.0.1 or networks such as 10.0.0.0/8)",
                param_hint="--trusted-proxy",
            ) from None


def check(dsn: str) -> None:
    """Refuse a database that cannot answer, or has another schema. Raises PgjikanError,
    psycopg.Error."""
    name = "pgjikan gateway"
    where = with_application_name(dsn, name, **STANDBYS_FIRST)
    with connect(where, name) as connection:
        # A schema that one may not use is like none, but where one asks whether there is one.
        row = connection.execute(
            "SELECT pg_catalog.to_regnamespace('anime') IS NULL, coalesce("
            "pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace('anime'), 'usage'), false)"
        ).fetchone()
        assert row is not None  # a query without FROM answers one row
        is_absent, is_allowed = row
        if is_allowed:
            row = connection.execute(
                "SELECT pg_catalog.to_regprocedure('anime.v4(text, jsonb, jsonb)') IS NULL"
                " OR pg_catalog.to_regprocedure('anime.deployed_changes()') IS NULL"
            ).fetchone()
            assert row is not None  # likewise
            is_absent = row[0]
        if is_absent:
            raise PgjikanError(
                "pgjikan is not deployed in this database, or is older than this command",
                hint="pgjikan deploy",
            )
        if not is_allowed:
            raise PgjikanError(
                "this user may not call anime.v4", hint="GRANT anime_reader TO the user."
            )
        require_schema(connection, schema="anime")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(serve)
