"""What the package pulls in: may it be used so, and is it known to be broken?

Licences are read from what is installed and must be on the list below. Vulnerabilities come from
PyPI's advisories by way of pip-audit. A registry that mirrors packages without advisories makes
pip-audit find nothing and call it good; so it is also asked about a release that is known to be
vulnerable, and where it does not know that, it knows nothing.

Exit code: 0 all well, 1 something is wrong, 3 vulnerabilities could not be looked up.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = "pgjikan"
EXTRAS = ("embedded", "local", "google", "google-legacy")  # not dev: nobody who uses it gets that
CANARY = ("pyyaml", "5.3")  # CVE-2020-14343
ALLOWED = re.compile(
    r"(MIT(-0)?|ISC|0BSD|Zlib|CC0-1\.0|PostgreSQL|PSF-2\.0|Apache-2\.0|MPL-2\.0|BSD-[23]-Clause"
    r"|(MIT|BSD|ISC|Apache Software|Python Software Foundation) License( \(ISCL\))?"
    r"|(3-Clause BSD|BSD 3-Clause)( License)?|Mozilla Public License 2\.0 \(MPL 2\.0\))"
)
#: Used as it is, as a library that anyone can replace: what the LGPL asks.
LINKED = dict.fromkeys(("psycopg", "psycopg-binary", "psycopg-pool"), "LGPL-3.0-only")
SECONDS = 300


def pulled_in() -> dict[str, str]:
    """Every installed package that the package and its extras need, with its version."""
    found: dict[tuple[str, str], str] = {}
    left = [(PACKAGE, extra) for extra in ("", *EXTRAS)]
    while left:
        name, extra = left.pop()
        if (name, extra) in found:
            continue
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue  # for another platform
        found[name, extra] = package.version
        for need in map(Requirement, package.requires or []):
            if need.marker is None or need.marker.evaluate({"extra": extra}):
                left += [(canonicalize_name(need.name), wish) for wish in ("", *need.extras)]
    return {name: version for (name, _), version in sorted(found.items())}


def is_allowed(name: str, licence: str) -> bool:
    """Whether of the alternatives (OR) one has only allowed parts (AND, or several classifiers)."""
    if LINKED.get(name) == licence:
        return True
    return any(
        all(ALLOWED.fullmatch(part.strip()) for part in re.split(r" AND |;", choice))
        for choice in licence.split(" OR ")
    )


def bad_licences(packages: dict[str, str]) -> list[str]:
    answer = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("pip-licenses")), "--from=mixed"),
            *("--format=json", "--with-system", "--packages", *packages),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    told = {canonicalize_name(p["Name"]): p["License"] for p in json.loads(answer.stdout)}
    return [
        f"{name}: {told.get(name, 'no licence was found')}"
        for name in packages
        if not is_allowed(name, told.get(name, ""))
    ]


def advisories(packages: dict[str, str]) -> tuple[list[str], str | None]:
    """The known vulnerabilities; and why they are not known, where they are not."""
    asked = {name: version for name, version in packages.items() if name != PACKAGE}
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
        lines = [f"{name}=={version}\n" for name, version in [*asked.items(), CANARY]]
        wanted.writelines(lines)
        wanted.flush()
        try:
            answer = subprocess.run(
                [
                    *(sys.executable, "-m", "pip_audit", "--format=json", "--disable-pip"),
                    *("--no-deps", "--progress-spinner=off", "--timeout=15"),
                    *("--requirement", wanted.name),
                ],
                capture_output=True,
                text=True,
                timeout=SECONDS,
            )
        except subprocess.TimeoutExpired:
            return [], f"no answer in {SECONDS} s"
    try:
        told: list[dict[str, Any]] = json.loads(answer.stdout)["dependencies"]
    except ValueError:
        return [], (answer.stderr.strip().splitlines() or ["pip-audit said nothing"])[-1]
    if not any(p["name"] == CANARY[0] and p.get("vulns") for p in told):
        return [], "the registry here carries no advisories, not even of {}=={}".format(*CANARY)
    unknown = [p["name"] for p in told if "skip_reason" in p]
    found = [
        f"{p['name']} {p['version']}: {v['id']}, mended in {', '.join(v['fix_versions']) or '-'}"
        for p in told
        if p["name"] != CANARY[0]
        for v in p.get("vulns", [])
    ]
    return found, f"not known there: {', '.join(unknown)}" if unknown else None


def main() -> int:
    packages = pulled_in()
    licences = bad_licences(packages)
    for line in licences:
        print(f"licence not allowed: {line}")
    print(f"licences: {len(packages)} packages, {len(licences)} not allowed")
    vulnerabilities, doubt = advisories(packages)
    for line in vulnerabilities:
        print(f"vulnerable: {line}")
    if doubt is not None:
        print(f"vulnerabilities: NOT CHECKED: {doubt}")
    else:
        print(f"vulnerabilities: {len(packages)} packages, {len(vulnerabilities)} known")
    if licences or vulnerabilities:
        return 1
    return 0 if doubt is None else 3


if __name__ == "__main__":
    sys.exit(main())
