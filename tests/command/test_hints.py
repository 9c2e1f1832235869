"""Whoever raises an error for a person to read says what to do about it."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "sidecar/pgjikan"
ERRORS = {
    *("PgjikanError", "PlanError", "DeployError", "NotDeployedError"),
    *("ScriptError", "LockTimeoutError"),
}


def test_no_error_without_a_hint() -> None:
    bare = []
    for module in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ERRORS
                and not any(keyword.arg == "hint" for keyword in node.keywords)
            ):
                bare.append(f"{module.relative_to(PACKAGE)}:{node.lineno}")
    assert bare == []
