-- Deploy pgjikan:functions/write_full to pg
-- requires: schema/anime_children
-- requires: functions/write_anime

-- What only a /full document knows: relations, theme songs, links. Rewritten per anime when its
-- hash changed, untouched otherwise, and never by a document older than the one that wrote them.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.write_relations(documents jsonb[], anime_ids bigint[])
RETURNS void
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    INSERT INTO jikan.relation (anime_id, relation, entry_type, entry_mal_id, name, url)
    SELECT
        a.id,
        r.relation ->> 'relation' AS relation,
        n.entry ->> 'type' AS entry_type,
        (n.entry ->> 'mal_id')::integer AS entry_mal_id,
        n.entry ->> 'name' AS name,
        n.entry ->> 'url' AS url
    FROM unnest(write_relations.documents) AS e (document)
    INNER JOIN jikan.anime AS a
        ON a.mal_id = jikan_sync.document_mal_id(e.document)
    CROSS JOIN
        LATERAL jsonb_array_elements(
            jikan_sync.json_list(e.document -> 'relations')
        ) AS r (relation)
    CROSS JOIN
        LATERAL jsonb_array_elements(
            jikan_sync.json_list(r.relation -> 'entry')
        ) AS n (entry)
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
    v_written integer[];
    v_changed bigint[];
BEGIN
    WITH target AS (
        SELECT
            a.id,
            e.full_hash,
            a.full_hash IS DISTINCT FROM e.full_hash AS is_changed
        FROM unnest(write_full.documents, write_full.full_hashes) AS e (document, full_hash)
        INNER JOIN jikan.anime AS a ON a.mal_id = jikan_sync.document_mal_id(e.document)
        WHERE write_full.fetched_at >= coalesce(a.full_synced_at, '-infinity')
            AND (
                a.full_hash IS DISTINCT FROM e.full_hash
                OR write_full.fetched_at >= a.full_synced_at + v_step
            )
        ORDER BY a.mal_id
        FOR NO KEY UPDATE OF a
    ),

    written AS (
        UPDATE jikan.anime AS a
        SET
            full_hash = t.full_hash,
            full_synced_at = write_full.fetched_at
        FROM target AS t
        WHERE a.id = t.id
        RETURNING a.id, a.mal_id, t.is_changed
    )

    SELECT
        array_agg(w.mal_id),
        array_agg(w.id) FILTER (WHERE w.is_changed)
    INTO v_written, v_changed
    FROM written AS w;

    DELETE FROM jikan.relation AS r WHERE r.anime_id = ANY (v_changed);
    DELETE FROM jikan.theme_song AS t WHERE t.anime_id = ANY (v_changed);
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

    RETURN QUERY SELECT unnest(v_written);
END;
$$;

COMMENT ON FUNCTION jikan_sync.write_full(jsonb[], bigint[], timestamptz) IS
'Writes relations, theme songs and links of /full documents whose core is stored; returns the rows
written. The way in is `jikan_sync.store_anime`.
Raises: whatever a value raises that does not fit its column (classes 22 and 23).';

COMMIT;
