-- Deploy pgjikan:functions/store/write_full to pg
-- requires: schema/anime_children
-- requires: functions/store/write_anime
-- requires: functions/store/json_list
-- requires: functions/store/keep_parts

-- What only a /full document knows: relations, theme songs, links. Rewritten per anime when its
-- hash changed, untouched otherwise, and never by a document older than the one that wrote them.
-- What a title lost altogether is kept at first.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.write_relations(documents jsonb[], anime_ids bigint[])
RETURNS void
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    INSERT INTO jikan.relation (
        anime_id, relation, entry_type, entry_mal_id, name, url, position
    )
    SELECT
        a.id,
        r.relation ->> 'relation' AS relation,
        n.entry ->> 'type' AS entry_type,
        (n.entry ->> 'mal_id')::integer AS entry_mal_id,
        n.entry ->> 'name' AS name,
        n.entry ->> 'url' AS url,
        1000 * r.place + n.place AS position
    FROM unnest(write_relations.documents) AS e (document)
    INNER JOIN jikan.anime AS a
        ON a.mal_id = jikan_sync.document_mal_id(e.document)
    CROSS JOIN
        LATERAL jsonb_array_elements(
            jikan_sync.json_list(e.document -> 'relations')
        ) WITH ORDINALITY AS r (relation, place)
    CROSS JOIN
        LATERAL jsonb_array_elements(
            jikan_sync.json_list(r.relation -> 'entry')
        ) WITH ORDINALITY AS n (entry, place)
    WHERE a.id = any(write_relations.anime_ids)
    ON CONFLICT DO NOTHING;
END;

COMMENT ON FUNCTION jikan_sync.write_relations(jsonb[], bigint[]) IS
'Adds the relations of `documents` to those of their anime that are among `anime_ids`.';

CREATE FUNCTION jikan_sync.write_full(
    documents jsonb[],
    full_hashes bigint[],
    fetched_at timestamptz
)
RETURNS TABLE (mal_id integer)
LANGUAGE plpgsql
ROWS 10
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_step interval := jikan_sync.confirmation_step();
    v_ids bigint[];
    v_hashes bigint[];
    v_changed bigint[];
    v_kept_relations bigint[];
    v_kept_songs bigint[];
BEGIN
    SELECT
        array_agg(t.id),
        array_agg(t.full_hash),
        array_agg(t.id) FILTER (WHERE t.is_changed)
    INTO v_ids, v_hashes, v_changed
    FROM (
        SELECT
            a.id,
            e.full_hash,
            a.full_hash IS DISTINCT FROM e.full_hash AS is_changed
        FROM unnest(write_full.documents, write_full.full_hashes) AS e (document, full_hash)
        INNER JOIN jikan.anime AS a ON a.mal_id = jikan_sync.document_mal_id(e.document)
        WHERE write_full.fetched_at >= coalesce(a.full_synced_at, '-infinity')
            AND (
                a.full_hash IS DISTINCT FROM e.full_hash
                OR write_full.fetched_at >= jikan_sync.later(a.full_synced_at, v_step)
            )
        ORDER BY a.id
        FOR NO KEY UPDATE OF a
    ) AS t;

    SELECT
        coalesce(array_agg(k.anime_id) FILTER (WHERE k.part = 'relations'), '{}'),
        coalesce(array_agg(k.anime_id) FILTER (WHERE k.part = 'songs'), '{}')
    INTO v_kept_relations, v_kept_songs
    FROM jikan_sync.keep_parts(write_full.documents, v_changed, write_full.fetched_at) AS k;

    RETURN QUERY
    UPDATE jikan.anime AS a
    SET
        -- Where something is kept, not the document's hash: the next one is looked at again.
        full_hash = CASE
            WHEN a.id = ANY (v_kept_relations || v_kept_songs) THEN ~t.full_hash
            ELSE t.full_hash
        END,
        full_synced_at = write_full.fetched_at
    FROM unnest(v_ids, v_hashes) AS t (id, full_hash)
    WHERE a.id = t.id
    RETURNING a.mal_id;

    DELETE FROM jikan.relation AS r
    WHERE r.anime_id = ANY (v_changed)
        AND r.anime_id <> ALL (v_kept_relations);
    DELETE FROM jikan.theme_song AS t
    WHERE t.anime_id = ANY (v_changed)
        AND t.anime_id <> ALL (v_kept_songs);
    DELETE FROM jikan.link AS l WHERE l.anime_id = ANY (v_changed);

    PERFORM jikan_sync.write_relations(write_full.documents, v_changed);

    INSERT INTO jikan.theme_song (anime_id, kind, position, song)
    SELECT
        a.id,
        k.kind,
        s.position,
        s.song
    FROM unnest(documents) AS e (document)
    INNER JOIN jikan.anime AS a ON a.mal_id = jikan_sync.document_mal_id(e.document)
    CROSS JOIN (VALUES ('opening', 'openings'), ('ending', 'endings')) AS k (kind, field)
    CROSS JOIN LATERAL jsonb_array_elements_text(
        jikan_sync.json_list(e.document -> 'theme' -> k.field)
    ) WITH ORDINALITY AS s (song, position)
    WHERE a.id = ANY (v_changed)
        AND s.song IS NOT NULL;

    INSERT INTO jikan.link (anime_id, kind, position, name, url)
    SELECT
        a.id,
        k.kind,
        l.position,
        l.link ->> 'name',
        l.link ->> 'url'
    FROM unnest(documents) AS e (document)
    INNER JOIN jikan.anime AS a ON a.mal_id = jikan_sync.document_mal_id(e.document)
    CROSS JOIN (VALUES ('external'), ('streaming')) AS k (kind)
    CROSS JOIN LATERAL jsonb_array_elements(
        jikan_sync.json_list(e.document -> k.kind)
    ) WITH ORDINALITY AS l (link, position)
    WHERE a.id = ANY (v_changed)
        AND l.link ->> 'url' IS NOT NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.write_full(jsonb[], bigint[], timestamptz) IS
'Writes relations, theme songs and links of /full documents whose core is stored; returns the rows
written. The way in is `jikan_sync.store_anime`.
Raises: whatever a value raises that does not fit its column (classes 22 and 23).';

COMMIT;
