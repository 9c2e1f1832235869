"""`why` and `match`: what led to a title, in words that anyone may be shown."""

from __future__ import annotations

from tests.vector_steps import Connection, embed_all, store, unit, vote


def reasons(connection: Connection, call: str) -> list[tuple[int, str, str]]:
    query = f"SELECT mal_id, match, why FROM anime.{call}"
    return [(row[0], row[1], row[2]) for row in connection.execute(query.encode()).fetchall()]


def test_a_vote_for_the_franchise_of_one_of_several(connection: Connection) -> None:
    store(connection, *({"mal_id": n} for n in range(1, 7)))
    embed_all(connection, dict.fromkeys(range(1, 7), unit(1.0)))
    connection.execute("INSERT INTO jikan.franchise VALUES (1, 1), (2, 1)")
    vote(connection, 2, {6: 5})
    first = (6, "voted", "recommended by 5 for its franchise")
    assert reasons(connection, "similar(1)")[0] == first
    assert reasons(connection, "recommend('{1,3}')")[0] == first
    assert reasons(connection, 'recommend_for(\'{"1": 9, "3": 8}\')')[0] == first
    vote(connection, 3, {6: 2})
    assert reasons(connection, "recommend('{1,3}')")[0][2].startswith("recommended by 2 for ")


def test_no_entities(connection: Connection) -> None:
    store(
        connection,
        {
            "mal_id": 1,
            "title": "Love &amp; Co",
            "genres": [{"name": "Boys &amp; Girls"}],
            "studios": [{"name": "A &amp; B"}],
        },
        {"mal_id": 2},
        {"mal_id": 3},
        {"mal_id": 4, "genres": [{"name": "Boys &amp; Girls"}]},
        {"mal_id": 5, "studios": [{"name": "A &amp; B"}]},
    )
    embed_all(connection, dict.fromkeys(range(1, 6), unit(1.0)))
    vote(connection, 1, {3: 7})
    said = {mal_id: why for mal_id, _match, why in reasons(connection, "recommend('{1,2}')")}
    assert said == {
        3: "recommended by 7 for Love & Co",
        4: "alike: Boys & Girls",
        5: "alike: by A & B",
    }
