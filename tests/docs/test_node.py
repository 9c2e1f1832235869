"""The Node examples, with the real package pg."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.docs.blocks import blocks

pytestmark = pytest.mark.full


def test_the_node_examples(starter_database: str, tmp_path: Path) -> None:
    subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--silent", "pg@8"], cwd=tmp_path, check=True
    )
    parts = conninfo_to_dict(starter_database)
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "dbname": "PGDATABASE"}
    names["password"] = "PGPASSWORD"
    environment = {names[key]: str(value) for key, value in parts.items() if key in names}
    for block in blocks("docs/how-to/use-from-node.md"):
        if block.lang == "js" and block.reason is None:
            script = tmp_path / f"block{block.line}.mjs"
            script.write_text(block.text)
            done = subprocess.run(
                ["node", script],
                cwd=tmp_path,
                env={**os.environ, **environment},
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.returncode == 0, f"line {block.line}: {done.stderr}"
            assert done.stdout.strip()
