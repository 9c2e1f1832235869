-- Deploy pgjikan:functions/store/keep_parts to pg
-- requires: schema/lost_part
-- requires: schema/anime_children
-- requires: functions/store/document_fault

-- Which parts of a title outlive a document that has none of them. A loss counts when a second
-- document, a day or more after the first, says the same, and while few titles lost theirs: else
-- an upstream that can no longer read relations would make the mirror forget everybody's.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES
(
    'lost_part_delay', '1 day', 'interval', '0', '1 year',
    'A title keeps its relations and songs until a /full document so much after the first one '
    'without them has none either.'
),
(
    'lost_part_share', '0.002', 'number', '0', '1',
    'When more than this share of all titles lost their relations or songs, and more than four '
    'did, no loss is believed.'
);

CREATE FUNCTION jikan_sync.losing_titles(since timestamptz)
RETURNS bigint
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT l.title_count
    FROM (
        SELECT count(DISTINCT p.anime_id) AS title_count
        FROM jikan_sync.lost_part AS p
        WHERE p.last_seen_at >= losing_titles.since
    ) AS l
    WHERE
        l.title_count > 4
        AND l.title_count
        > jikan_sync.setting_number('lost_part_share') * (SELECT count(*) FROM jikan.anime);
END;

COMMENT ON FUNCTION jikan_sync.losing_titles(timestamptz) IS
'How many titles lost their relations or songs since then, where they are so many that an upstream
must be at fault; else NULL.';

CREATE FUNCTION jikan_sync.lost_parts_reason()
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        format(
            '%s titles lost all relations or songs within a week and keep them: '
            || 'does the upstream still read those?',
            l.title_count
        )
    FROM (SELECT jikan_sync.losing_titles(jikan_sync.ago('7 days')) AS title_count) AS l
    WHERE l.title_count IS NOT NULL;
END;

COMMENT ON FUNCTION jikan_sync.lost_parts_reason() IS
'For `anime.health`: that an upstream seems to have lost a part of every title; else NULL.';

CREATE FUNCTION jikan_sync.keep_parts(
    documents jsonb[],
    anime_ids bigint[],
    fetched_at timestamptz
)
RETURNS TABLE (anime_id bigint, part text)
LANGUAGE plpgsql
VOLATILE
ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_lost_ids bigint[];
    v_lost_parts text[];
BEGIN
    WITH part AS MATERIALIZED (
        SELECT a.id, p.part, p.is_there, p.was_there
        FROM unnest(keep_parts.documents) AS e (document)
        INNER JOIN jikan.anime AS a ON a.mal_id = jikan_sync.document_mal_id(e.document)
        CROSS JOIN LATERAL (
            VALUES
            (
                'relations',
                jsonb_path_exists(e.document, '$.relations[*].entry[*]'),
                EXISTS (SELECT FROM jikan.relation AS r WHERE r.anime_id = a.id)
            ),
            (
                'songs',
                jsonb_path_exists(e.document, '$.theme.openings[*]')
                OR jsonb_path_exists(e.document, '$.theme.endings[*]'),
                EXISTS (SELECT FROM jikan.theme_song AS s WHERE s.anime_id = a.id)
            )
        ) AS p (part, is_there, was_there)
        WHERE a.id = ANY (keep_parts.anime_ids)
    ),

    back AS (
        DELETE FROM jikan_sync.lost_part AS l
        USING part AS p
        WHERE l.anime_id = p.id
            AND l.part = p.part
            AND p.is_there
    )

    SELECT array_agg(p.id), array_agg(p.part)
    INTO v_lost_ids, v_lost_parts
    FROM part AS p
    WHERE p.was_there
        AND NOT p.is_there;
    IF v_lost_ids IS NULL THEN
        RETURN;
    END IF;

    INSERT INTO jikan_sync.lost_part AS l (anime_id, part, first_seen_at, last_seen_at)
    SELECT p.anime_id, p.part, keep_parts.fetched_at, keep_parts.fetched_at
    FROM unnest(v_lost_ids, v_lost_parts) AS p (anime_id, part)
    ON CONFLICT ON CONSTRAINT lost_part_pkey DO UPDATE SET
        last_seen_at = greatest(l.last_seen_at, excluded.last_seen_at);

    IF jikan_sync.losing_titles('-infinity') IS NULL THEN
        DELETE FROM jikan_sync.lost_part AS l
        USING unnest(v_lost_ids, v_lost_parts) AS p (anime_id, part)
        WHERE l.anime_id = p.anime_id
            AND l.part = p.part
            AND keep_parts.fetched_at >= jikan_sync.later(
                l.first_seen_at, jikan_sync.setting_interval('lost_part_delay')
            );
    END IF;

    RETURN QUERY
    SELECT l.anime_id, l.part
    FROM jikan_sync.lost_part AS l
    INNER JOIN unnest(v_lost_ids, v_lost_parts) AS p (anime_id, part)
        ON p.anime_id = l.anime_id AND p.part = l.part;
END;
$$;

COMMENT ON FUNCTION jikan_sync.keep_parts(jsonb[], bigint[], timestamptz) IS
'Of the anime with these ids, what is to be kept although their new /full document, among
`documents`, has none of it; notes losses and what came back. Asked before their parts are replaced.';

COMMIT;
