"""The login that an app uses on the embedded server."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from pgjikan.app_login import app_dsn
from pgjikan.errors import PgjikanError
from pgjikan.server import EmbeddedServer
from tests.server.conftest import FAST
from tests.server.test_server import free_port


def test_an_app_logs_in_by_password_where_a_port_is_open(made: Path) -> None:
    with EmbeddedServer(made, port=free_port(), options=FAST) as server:
        with pytest.raises(PgjikanError, match="no role anime_reader"):
            app_dsn(server)
        with psycopg.connect(server.dsn()) as connection:
            connection.execute("CREATE ROLE anime_reader NOLOGIN")
        dsn = app_dsn(server)
        assert app_dsn(server) == dsn, "asked again it is the same login"
        with psycopg.connect(dsn) as connection:
            row = connection.execute("SELECT current_user, inet_server_addr() IS NOT NULL")
            assert row.fetchone() == ("anime_app", True)
        assert (made / "app-password").stat().st_mode & 0o077 == 0
        wrong = dsn.replace((made / "app-password").read_text(), "wrong")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(wrong)
