"""The login that an app uses on the embedded server: it may call and read `anime`, nothing else."""

from __future__ import annotations

import psycopg
from psycopg import sql

from pgjikan.cluster import kept_password, set_password
from pgjikan.errors import PgjikanError
from pgjikan.server import EmbeddedServer

LOGIN = "anime_app"
ROLE = "anime_reader"


def app_dsn(server: EmbeddedServer) -> str:
    """Make the login, or find it made, and return its connection string.

    Over the socket it needs no password; where a port is open, the password is in the string.
    """
    is_tcp = server.status().tcp
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        made = {
            name
            for (name,) in connection.execute(
                "SELECT rolname FROM pg_catalog.pg_roles WHERE rolname = ANY (%s)", [[LOGIN, ROLE]]
            )
        }
        if ROLE not in made:
            raise PgjikanError(f"there is no role {ROLE} yet", hint="pgjikan deploy")
        login, role = sql.Identifier(LOGIN), sql.Identifier(ROLE)
        if LOGIN not in made:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(login))
        connection.execute(sql.SQL("GRANT {} TO {}").format(role, login))
        if not is_tcp:
            return server.dsn(user=LOGIN)
        password = kept_password(server.data_dir / "app-password")
        set_password(connection, LOGIN, password)
    return server.tcp_dsn(user=LOGIN, password=password)
