"""How tests and people steer the simulator: from Python, over HTTP, by the command line."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from pgjikan.client import JikanClient
from pgjikan.errors import PgjikanError
from pgjikan.simulator import Simulator
from tests.simulator.conftest import Get

NEW = {
    "mal_id": 900_001,
    "title": "Brand New",
    "genres": [[1, "Action"]],
    "status": "Not yet aired",
}


def test_publish_change_and_remove_a_title(simulator: Simulator, get: Get) -> None:
    assert get("/anime/900001").status_code == 404
    simulator.add(NEW)
    document = get("/anime/900001/full").json()["data"]
    assert document["titles"] == [{"type": "Default", "title": "Brand New"}]
    assert document["genres"][0]["name"] == "Action"
    assert document["theme"]["openings"]
    assert get("/anime", q="brand").json()["data"][0]["mal_id"] == 900_001
    simulator.add({"mal_id": 900_001, "title": "Renamed", "status": "Currently Airing"})
    changed = get("/anime/900001").json()["data"]
    assert (changed["title"], changed["airing"]) == ("Renamed", True)
    assert changed["genres"] == document["genres"]
    assert 900_001 in [item["mal_id"] for item in get("/seasons/now").json()["data"]]
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
    client.fetch_task("search", {"query": "naruto"}, base_url=simulator.url)
    client.fetch_task("catalogue", {"page": 2}, base_url=simulator.url)
    first, second = simulator.stats()["requests"]
    assert (first["kind"], first["path"], first["status"]) == ("search", "/anime", 200)
    assert first["query"] == "q=naruto&limit=25&page=1"
    assert second["kind"] == "catalogue"
    assert first["user_agent"].startswith("pgjikan/")
    assert start - 1 < first["at"] < second["at"] < time.time() + 1


def test_a_stopped_simulator_is_a_dead_provider(client: JikanClient) -> None:
    simulator = Simulator()
    simulator.start()
    simulator.fault("timeout", path="/anime/2")
    assert client.fetch("/anime/1", base_url=simulator.url).outcome == "ok"
    simulator.stop()
    assert client.fetch("/anime/1", base_url=simulator.url).outcome == "transport_error"


def test_data_from_documents_and_files(tmp_path: Path, client: JikanClient) -> None:
    plain = tmp_path / "a.jsonl"
    plain.write_text('{"mal_id": 1, "title": "One"}\n\n{"data": {"mal_id": 2, "title": "Two"}}\n')
    packed = tmp_path / "b.jsonl.gz"
    packed.write_bytes(gzip.compress(b'{"mal_id": 3, "title": "Three", "relations": []}\n'))
    for source, ids in ((plain, [1, 2]), (packed, [3]), ([{"mal_id": 4}], [4])):
        with Simulator(source) as simulator:
            got = client.fetch_task("catalogue", {}, base_url=simulator.url)
            assert got.body is not None
            assert [item["mal_id"] for item in json.loads(got.body)["data"]] == ids
            got = client.fetch_task("anime", {"mal_id": ids[0]}, base_url=simulator.url)
            assert got.body is not None
            assert {"relations", "theme"} <= json.loads(got.body)["data"].keys()


@pytest.mark.parametrize("text", ["{", "[]", '{"title": "no id"}', '{"data": 1}'])
def test_data_it_cannot_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"mal_id": 1}\n' + text)
    with pytest.raises(PgjikanError, match="line 2"):
        Simulator(path)
    with pytest.raises(PgjikanError, match="cannot read"):
        Simulator(tmp_path / "absent.jsonl")
    with pytest.raises(PgjikanError, match="manifest"):
        Simulator(tmp_path)


def test_a_port_in_use_is_said() -> None:
    with Simulator() as simulator, pytest.raises(PgjikanError, match="cannot listen"):
        Simulator(port=simulator.port)


def command(*arguments: str) -> list[str]:
    program = "from pgjikan.cli import main; main()"
    return [sys.executable, "-c", program, "simulator", *arguments]


def test_the_command_serves_until_it_is_told_to_stop(client: JikanClient) -> None:
    arguments = command("--port", "0", "--fault", "503,next=1,retry_after=9", "--limit", "2/h")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url, words = process.stdout.readline().split(" ", 1)
        got = [client.fetch("/anime/1", base_url=url) for _ in range(3)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    assert "63 titles" in words
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
