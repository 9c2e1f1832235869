"""A database with the starter catalogue, reached as an app reaches it."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.dashboard.conftest import browser
from tests.docs.conftest import starter_database, starter_template

__all__ = ["browser", "starter_database", "starter_template"]


@pytest.fixture
def app_dsn(starter_database: str) -> str:
    """The connection string of a login with anime_reader and nothing else."""
    with psycopg.connect(starter_database, autocommit=True) as connection:
        connection.execute("CREATE ROLE example_app LOGIN PASSWORD 'example' IN ROLE anime_reader")
    return make_conninfo(starter_database, user="example_app", password="example")
