"""Alerts, runbook and Grafana's dashboard ask for metrics and labels that a scrape has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import psycopg
import pytest
import yaml

from tests.health.test_metrics import scrape

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "docker/monitoring"
RUNBOOK = (ROOT / "docs/how-to/operations.md").read_text(encoding="utf-8")
ALERTS = yaml.safe_load((MONITORING / "alerts.yml").read_text(encoding="utf-8"))
BOARD = json.loads((MONITORING / "grafana/pgjikan.json").read_text(encoding="utf-8"))
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
#: Prometheus makes this one itself; Grafana fills in the other before it asks.
OWN = {"ALERTS": {"alertname", "alertstate"}}
INTERVAL = "$__rate_interval"


def expressions() -> Iterator[tuple[str, str]]:
    for rule in ALERTS["groups"][0]["rules"]:
        yield rule["alert"], rule["expr"]
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            yield f"panel {panel['title']}", target["expr"]
    for note in BOARD["annotations"]["list"]:
        yield f"annotation {note['name']}", note["expr"]
    for query in re.findall(r"`([^`]*\bpgjikan_[a-z_]+\b[^`]*[({][^`]*)`", RUNBOOK):
        if not query.startswith("jikan_sync."):
            yield "runbook", query


def walk(expression: Any) -> Iterator[Any]:
    """An expression of PromQL and all within it."""
    yield expression
    for name in ("expr", "lhs", "rhs", "vector_selector", "args"):
        inner = getattr(expression, name, None)
        for each in inner if isinstance(inner, list) else [inner]:
            if each is not None:
                yield from walk(each)


@pytest.fixture
def served(busy: psycopg.Connection[Any], database: str) -> dict[str, set[str]]:
    """The labels of each metric that a scrape tells."""
    labels = dict(OWN)
    for family in scrape(database).values():
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    return labels


def test_every_query_asks_for_what_is_served(served: dict[str, set[str]]) -> None:
    asked = dict.fromkeys(expressions())
    assert len(asked) > 30
    for where, query in asked:
        parts = list(walk(promql.parse(query.replace(INTERVAL, "5m"))))
        selectors = [part for part in parts if isinstance(part, promql.VectorSelector)]
        assert selectors, (where, query)
        known: set[str] = set()
        for selector in selectors:
            assert selector.name in served, (where, selector.name)
            known |= served[selector.name]
            matched = {matcher.name for matcher in selector.matchers.matchers}
            assert matched <= served[selector.name], (where, matched)
        for part in parts:
            if isinstance(part, promql.AggregateExpr) and part.modifier is not None:
                assert set(part.modifier.labels) <= known, (where, part.modifier.labels)


def test_every_metric_that_the_runbook_names_is_served(served: dict[str, set[str]]) -> None:
    named = set(re.findall(r"\bpgjikan_[a-z_]+[a-z]\b", RUNBOOK))
    assert named and named <= set(served)


def test_every_alert_is_whole_and_in_the_runbook() -> None:
    [group] = ALERTS["groups"]
    assert len(group["rules"]) > 10
    for rule in group["rules"]:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"]["summary"].endswith(".")
        assert f"\n### {rule['alert']}\n" in RUNBOOK


def test_every_part_of_the_runbook_is_an_alert() -> None:
    alerts = {rule["alert"] for rule in ALERTS["groups"][0]["rules"]}
    assert set(re.findall(r"^### (Pgjikan\w+)$", RUNBOOK, re.M)) == alerts


def test_the_dashboard_is_provisioned_whole() -> None:
    [source] = yaml.safe_load((MONITORING / "grafana/datasource.yml").read_text())["datasources"]
    [provider] = yaml.safe_load((MONITORING / "grafana/dashboards.yml").read_text())["providers"]
    mounts = dict(volume.split(":")[:2] for volume in SERVICES["grafana"]["volumes"])
    assert mounts["./docker/monitoring/grafana/pgjikan.json"].startswith(
        provider["options"]["path"] + "/"
    )
    assert source["url"] == "http://prometheus:9090" and "prometheus" in SERVICES
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        assert panel["description"].endswith(".") and panel["fieldConfig"]["defaults"]["unit"]
        assert {
            panel["datasource"]["uid"],
            *(t["datasource"]["uid"] for t in panel["targets"]),
        } == {source["uid"]}
        for target in panel["targets"]:
            shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert all(label in target["expr"] for label in shown), panel["title"]
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken and max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_prometheus_finds_the_sidecars_and_the_alerts() -> None:
    config = yaml.safe_load((MONITORING / "prometheus.yml").read_text(encoding="utf-8"))
    [job] = config["scrape_configs"]
    [found] = job["dns_sd_configs"]
    [name] = found["names"]
    assert SERVICES[name]["expose"] == [str(found["port"])]
    mounts = [volume.split(":")[1] for volume in SERVICES["prometheus"]["volumes"]]
    folder = "/etc/prometheus"
    assert f"{folder}/prometheus.yml" in mounts
    assert all(f"{folder}/{rule}" in mounts for rule in config["rule_files"])
