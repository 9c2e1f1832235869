"""deploy/: what can be said of the files without an engine; tests/failover runs the plain ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyOptions

from tests.compose.test_compose import RELEASE, interpolate
from tests.failover.machine import settings

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
PASSWORDS = {
    "POSTGRES_PASSWORD": "one",
    "REPLICATION_PASSWORD": "two",
    "PATRONI_PASSWORD": "three",
    "PGBOUNCER_USERS": "/etc/users",
}
#: The fields that CloudNativePG documents (API postgresql.cnpg.io/v1) and we use: its schema is in
#: no package index that we reach, so a wrong type is not found here, a wrong word is.
DOCUMENTED = {
    "Cluster": {
        "spec": {
            *("instances", "imageName", "primaryUpdateStrategy", "bootstrap", "postgresql"),
            *("storage", "resources", "affinity"),
        },
        "spec.bootstrap": {"initdb"},
        "spec.bootstrap.initdb": {
            *("database", "owner", "encoding", "localeCollate", "localeCType", "dataChecksums"),
            *("postInitSQL", "postInitApplicationSQL"),
        },
        "spec.postgresql": {"synchronous", "parameters"},
        "spec.postgresql.synchronous": {"method", "number"},
        "spec.storage": {"size"},
        "spec.resources": {"requests", "limits"},
        "spec.affinity": {"enablePodAntiAffinity", "topologyKey"},
    },
    "Pooler": {
        "spec": {"cluster", "instances", "type", "pgbouncer"},
        "spec.cluster": {"name"},
        "spec.pgbouncer": {"poolMode", "parameters"},
    },
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = interpolate((DEPLOY / "compose.yml").read_text(), PASSWORDS)
    PyOptions(apply_merge=True).from_yaml(text).validate()
    found: dict[str, Any] = yaml.safe_load(text)
    return found


@pytest.mark.parametrize("missing", PASSWORDS)
def test_the_compose_file_needs_passwords_and_says_so(missing: str) -> None:
    given = {name: word for name, word in PASSWORDS.items() if name != missing}
    with pytest.raises(AssertionError, match=f"set {missing}"):
        interpolate((DEPLOY / "compose.yml").read_text(), given)


def test_the_compose_file_names_what_is_there(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {
        *(f"{kind}{n}" for kind in ("etcd", "db") for n in (1, 2, 3)),
        *("haproxy", "pgbouncer"),
    }
    for name, service in services.items():
        assert set(service.get("depends_on", [])) <= set(services), name
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in {*compose["volumes"], PASSWORDS["PGBOUNCER_USERS"]}
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
    for n in (1, 2, 3):
        assert services[f"db{n}"]["environment"]["PATRONI_NAME"] == f"db{n}"
        assert services[f"etcd{n}"]["environment"]["ETCD_NAME"] == f"etcd{n}"
        assert services["haproxy"]["environment"][f"DB{n}"] == f"db{n}"


def test_the_image_is_pinned_and_has_what_the_commands_need() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    [base] = re.findall(r"^FROM (\S+)", text, re.M)
    assert RELEASE.fullmatch(base)
    for package in ("etcd-server", "haproxy", "patroni", "pgbouncer", "python3-etcd"):
        assert package in text
    for source in re.findall(r"^COPY (\S+) ", text, re.M):
        assert (DEPLOY / source).is_file()


def test_each_machine_of_the_tests_is_its_own() -> None:
    """What tests/failover makes of the example's names, which are db1's."""
    third = settings(3)
    assert third["PATRONI_NAME"] == third["ETCD_NAME"] == "db3"
    assert third["PATRONI_POSTGRESQL_CONNECT_ADDRESS"] == "192.0.2.3:5432"
    assert third["ETCD_ADVERTISE_CLIENT_URLS"] == "http://192.0.2.3:2379"
    same = ("PATRONI_ETCD3_HOSTS", "ETCD_INITIAL_CLUSTER")
    assert [third[name] for name in same] == [settings(1)[name] for name in same]
    assert third["ETCD_INITIAL_CLUSTER"].startswith("db1=http://192.0.2.1:2380,db2=")


def test_patroni_keeps_its_own_rule_of_times() -> None:
    dcs = yaml.safe_load((DEPLOY / "patroni.yml").read_text())["bootstrap"]["dcs"]
    assert dcs["loop_wait"] + 2 * dcs["retry_timeout"] <= dcs["ttl"]
    assert dcs["synchronous_mode"] is True


def test_the_example_for_kubernetes_uses_documented_fields() -> None:
    documents = list(yaml.safe_load_all((DEPLOY / "cloudnative-pg.yaml").read_text()))
    assert [d["kind"] for d in documents] == ["Cluster", "Pooler", "Pooler"]
    names = {d["metadata"]["name"] for d in documents}
    assert len(names) == 3, "a pooler and its cluster may not share a name"
    for document in documents:
        assert document["apiVersion"] == "postgresql.cnpg.io/v1"
        for path, fields in DOCUMENTED[document["kind"]].items():
            place: Any = document
            for word in path.split("."):
                place = place[word]
            assert set(place) <= fields, path
        parameters = document["spec"].get("postgresql", document["spec"].get("pgbouncer"))
        assert all(isinstance(value, str) for value in parameters["parameters"].values())
