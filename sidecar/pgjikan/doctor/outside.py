"""What is outside the database: Jikan providers, and the embedding model of this machine."""

from __future__ import annotations

from collections.abc import Iterator

from pgjikan.doctor.finding import Check, Finding, Patient
from pgjikan.embedders import load_embedder
from pgjikan.errors import PgjikanError
from pgjikan.probe import probe, why_not


def check_providers(patient: Patient) -> Iterator[Finding]:
    """Whether there is a Jikan to ask, and it answers."""
    found = patient.rows("SELECT name, breaker FROM jikan_sync.provider_status WHERE enabled")
    names = [name for name, _ in found]
    broken = {name for name, breaker in found if breaker != "closed"}
    if not names:
        yield Finding(
            "providers",
            "bad",
            "no Jikan provider is enabled: nothing is fetched",
            "pgjikan provider enable NAME (pgjikan provider list)",
        )
    for name in names:
        if patient.offline and name in broken:
            told = f"{name} is left alone: {why_not(patient.connection, name)}"
            yield Finding("providers", "warn", told, "pgjikan provider list")
            continue
        if patient.offline:
            yield Finding("providers", "ok", f"{name} is enabled; not asked (--offline)")
            continue
        response = probe(patient.connection, patient.settings, name)
        if response is None:
            yield Finding(
                "providers",
                "warn",
                f"{name} may not be asked now: {why_not(patient.connection, name)}",
                "It is tried again by itself; pgjikan provider list shows them all.",
            )
        elif response.outcome == "ok":
            yield Finding("providers", "ok", f"{name} answered in {response.elapsed_ms:.0f} ms")
        else:
            yield Finding(
                "providers",
                "bad",
                f"{name}: {response.outcome}: {response.message}",
                f"pgjikan provider set {name} --url URL, if its address changed; else wait.",
            )


def check_embedders(patient: Patient) -> Iterator[Finding]:
    """Whether this machine can embed for the models in use."""
    models = patient.rows(
        "SELECT provider, name, dimensions, blocked_until::text, blocked_reason "
        "FROM jikan_sync.embedding_status() WHERE status IN ('active', 'backfilling')"
    )
    if not models:
        yield Finding(
            "embeddings",
            "bad",
            "no embedding model is active: nothing is recommendable",
            "pgjikan embeddings add",
        )
    for provider, name, dimensions, until, reason in models:
        try:
            load_embedder(provider, name, dimensions, patient.settings)
        except PgjikanError as error:
            yield Finding("embeddings", "bad", str(error), error.hint)
            continue
        if until:
            yield Finding(
                "embeddings",
                "warn",
                f"{provider} is left alone until {until}: {reason}",
                "pgjikan embeddings status",
            )
        else:
            yield Finding("embeddings", "ok", f"{provider}/{name} can be used here")


CHECKS: tuple[Check, ...] = (check_providers, check_embedders)
