"""How tests and people steer the simulator: from Python, over HTTP, by the command line."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from pgjikan.client import JikanClient
from pgjikan.errors import PgjikanError
from pgjikan.simulator import Simulator
from tests.conftest import Simulate
from tests.jikan_paths import request_for
from tests.simulator.conftest import Get
from tests.simulator.titles import titles

NEW = {
    "mal_id": 900_001,
    "title": "Brand New",
    "genres": [{"mal_id": 1, "type": "anime", "name": "Action", "url": "https://example.org/1"}],
    "status": "Not yet aired",
}


@pytest.fixture
def simulator(simulate: Simulate) -> Iterator[Simulator]:
    """One that can be told of new titles."""
    with simulate(titles(), seed=1) as simulator:
        yield simulator


def test_publish_change_and_remove_a_title(simulator: Simulator, get: Get) -> None:
    assert get("/anime/900001").status_code == 404
    simulator.add(NEW)
    document = get("/anime/900001/full").json()["data"]
    assert document["titles"] == [{"type": "Default", "title": "Brand New"}]
    assert document["genres"][0]["name"] == "Action"
    assert document["theme"] == {"openings": [], "endings": []}
    assert get("/anime", q="brand").json()["data"][0]["mal_id"] == 900_001
    simulator.add({"mal_id": 900_001, "title": "Renamed", "status": "Currently Airing"})
    changed = get("/anime/900001").json()["data"]
    assert (changed["title"], changed["airing"]) == ("Renamed", True)
    assert changed["genres"] == document["genres"]
    assert 900_001 in [item["mal_id"] for item in get("/anime", status="airing").json()["data"]]
    simulator.remove(900_001)
    assert get("/anime/900001").status_code == 404


def test_the_same_over_http(simulator: Simulator, get: Get) -> None:
    control = f"{simulator.root}/_simulator"
    with requests.Session() as http:
        assert http.post(f"{control}/documents", json=[NEW], timeout=5).json() == {"titles": 64}
        assert get("/anime/900001").status_code == 200
        assert http.delete(f"{control}/documents/900001", timeout=5).json() == {"titles": 63}
        armed = http.post(
            f"{control}/faults", json=["500,next=1", {"kind": "429", "rate": 0.5}], timeout=5
        ).json()
        assert [fault["kind"] for fault in armed] == ["500", "429"]
        assert get("/anime/1").status_code == 500
        http.delete(f"{control}/faults", timeout=5)
        assert get("/anime/1").status_code == 200
        for bad in ("418", {"kind": "429", "rate": 5}, {"rate": 1}, 7):
            assert http.post(f"{control}/faults", json=bad, timeout=5).status_code == 400
        for document in ({"title": "no id"}, [1]):
            assert http.post(f"{control}/documents", json=document, timeout=5).status_code == 400
        stats = http.get(f"{control}/stats", timeout=5).json()
        assert stats["by_status"] == {"200": 2, "500": 1}
        assert http.post(f"{control}/reset", timeout=5).json()["total"] == 0


def test_arrivals_are_remembered(simulator: Simulator, client: JikanClient) -> None:
    start = time.time()
    client.fetch_task("search", request_for("search", {"query": "naruto"}), base_url=simulator.url)
    client.fetch_task("catalogue", request_for("catalogue", {"page": 2}), base_url=simulator.url)
    first, second = simulator.stats()["requests"]
    assert (first["kind"], first["path"], first["status"]) == ("search", "/anime", 200)
    assert first["query"] == "q=naruto&limit=25&page=1"
    assert second["kind"] == "catalogue"
    assert first["user_agent"].startswith("pgjikan/")
    assert start - 1 < first["at"] < second["at"] < time.time() + 1


def test_a_stopped_simulator_is_a_dead_provider(client: JikanClient, simulated: str) -> None:
    simulator = Simulator(dsn=simulated)
    simulator.start()
    assert client.fetch("/anime/1", base_url=simulator.url).outcome == "ok"
    simulator.fault("timeout")
    with ThreadPoolExecutor() as pool:
        hanging = pool.submit(client.fetch, "/anime/1", base_url=simulator.url)
        while simulator.stats()["total"] < 2:
            time.sleep(0.01)
        simulator.stop()
        assert hanging.result(timeout=2).outcome == "transport_error"
    assert client.fetch("/anime/1", base_url=simulator.url).outcome == "transport_error"


def test_it_brings_a_server_where_it_is_given_none(client: JikanClient) -> None:
    with Simulator([{"mal_id": 4, "title": "Four"}]) as simulator:
        got = client.fetch_task("anime", "/anime/4/full", mal_id=4, base_url=simulator.url)
        assert got.body is not None
        document = json.loads(got.body)["data"]
    assert (document["title"], document["relations"]) == ("Four", [])
    assert len(document) == 40


def test_what_is_no_anime_object_is_refused(simulated: str) -> None:
    with pytest.raises(PgjikanError, match="no Anime objects"):
        Simulator([{"title": "no id"}], dsn=simulated).start()


def test_a_port_in_use_is_said(simulator: Simulator) -> None:
    with pytest.raises(PgjikanError, match="cannot listen"):
        Simulator(port=simulator.port)


def command(*arguments: str) -> list[str]:
    program = "from pgjikan.cli import main; main()"
    return [sys.executable, "-c", program, "simulator", *arguments]


def test_the_command_serves_until_it_is_told_to_stop(client: JikanClient, tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"
    plain.write_text('{"mal_id": 1, "title": "One"}\n\n{"data": {"mal_id": 2, "title": "Two"}}\n')
    packed.write_bytes(gzip.compress(b'{"mal_id": 3, "title": "Three", "relations": []}\n'))
    arguments = command("--port", "0", "--fault", "503,next=1,retry_after=9", "--limit", "2/h")
    arguments += ["--data", str(plain), "--data", str(packed)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, words = process.stdout.readline().split(" ", 1)
        got = [client.fetch("/anime/1", base_url=url) for _ in range(3)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    assert "serves 3 titles" in words
    assert [answer.outcome for answer in got] == ["upstream_error", "ok", "rate_limited"]
    assert got[0].retry_after_seconds == 9
    assert client.fetch("/anime/1", base_url=url).outcome == "transport_error"


def test_the_command_lists_the_faults_and_refuses_others() -> None:
    shown = subprocess.run(command("--help"), capture_output=True, text=True, check=True).stdout
    assert "gzip_bomb" in shown
    assert "rate=0.1" in shown
    refused = subprocess.run(command("--fault", "418"), capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "no fault of kind '418'" in refused.stderr


def test_without_data_the_command_knows_the_starter_catalogue() -> None:
    with subprocess.Popen(command("--port", "0"), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "serves 1000 titles" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
