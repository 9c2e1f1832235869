"""/anime TITLE, as Discord sends it (an interaction) and wants it answered (a message)."""

import json
import os
import sys
from typing import Any

import psycopg
from psycopg.rows import dict_row


def answer(interaction: dict[str, Any]) -> dict[str, Any]:
    """The message for an interaction; your bot's web framework hands it in, signature checked."""
    [title] = [option["value"] for option in interaction["data"]["options"]]
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True, row_factory=dict_row) as db:
        found = db.execute("SELECT * FROM anime.search(%s, max_rows => 1)", [title]).fetchone()
        if found is None:
            text = f"Nothing here is called {title!r} yet. I am asking; try again in a moment."
            return {"type": 4, "data": {"content": text, "flags": 64}}  # 64: only the asker sees it
        alike = db.execute("SELECT title FROM anime.similar(%s, 3)", [found["mal_id"]]).fetchall()
    url = f"https://myanimelist.net/anime/{found['mal_id']}"
    facts = " · ".join(str(found[key]) for key in ("type", "year", "score") if found[key])
    fields = [{"name": "Alike", "value": "\n".join(one["title"] for one in alike) or "-"}]
    embed = {"title": found["title"], "url": url, "description": facts, "fields": fields}
    return {"type": 4, "data": {"embeds": [embed]}}


if __name__ == "__main__":
    print(json.dumps(answer({"data": {"options": [{"value": sys.argv[1]}]}}), indent=2))
