-- Deploy pgjikan:functions/store/store_recent to pg
-- requires: schema/recommendation
-- requires: schema/list_document
-- requires: schema/neighbour
-- requires: schema/rejected_document
-- requires: schema/clock
-- requires: functions/store/json_list
-- requires: functions/store/iso_time
-- requires: functions/store/store_recommendations

-- What MyAnimeList's users recommended lately, a pair an entry with its date: so the pairs stay
-- current for a few requests a week, where asking for each title's own list would be thousands. An
-- entry counts once, and only where it is younger than all that is known of its pair: what a
-- title's own list said already is not said twice.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.recent_fault(document jsonb)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_entry jsonb;
BEGIN
    IF jsonb_typeof(document) <> 'object' THEN
        RETURN format('is %s, not an object', jsonb_typeof(document));
    END IF;
    IF jsonb_typeof(document -> 'entry') <> 'array' IS NOT FALSE
        OR jsonb_array_length(document -> 'entry') <> 2
    THEN
        RETURN 'entry is no pair';
    END IF;
    FOR v_entry IN SELECT e.entry FROM jsonb_array_elements(document -> 'entry') AS e (entry) LOOP
        IF (v_entry ->> 'mal_id') !~ '^[1-9][0-9]{0,8}$' IS NOT FALSE
            OR jsonb_typeof(v_entry -> 'mal_id') <> 'number'
        THEN
            RETURN 'entry.mal_id is no mal_id';
        END IF;
        IF (v_entry ->> 'url') ~ '/manga/' THEN
            RETURN 'entry is a manga';
        END IF;
    END LOOP;
    IF document #> '{entry,0,mal_id}' = document #> '{entry,1,mal_id}' THEN
        RETURN 'recommends itself';
    END IF;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.recent_fault(jsonb) IS
'Why `document` is no entry of /recommendations/anime; NULL where it is one.';

CREATE FUNCTION jikan_sync.recent_entries(documents jsonb)
RETURNS TABLE (low integer, high integer, said_at timestamptz)
LANGUAGE sql
STABLE
ROWS 100
BEGIN ATOMIC
    SELECT
        least(p.one, p.other),
        greatest(p.one, p.other),
        jikan_sync.iso_time(p.said)
    FROM (
        SELECT
            (e.document #>> '{entry,0,mal_id}')::integer AS one,
            (e.document #>> '{entry,1,mal_id}')::integer AS other,
            e.document ->> 'date' AS said
        FROM
            jsonb_array_elements(
                jikan_sync.json_list(recent_entries.documents)
            ) AS e (document)
        WHERE jikan_sync.recent_fault(e.document) IS NULL
    ) AS p;
END;

COMMENT ON FUNCTION jikan_sync.recent_entries(jsonb) IS
'The pairs in the `data` of a page of /recommendations/anime, each with the date of its entry, where
that is one.';

CREATE FUNCTION jikan_sync.oldest_recent(documents jsonb)
RETURNS timestamptz
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT min(e.said_at) FROM jikan_sync.recent_entries(oldest_recent.documents) AS e;
END;

COMMENT ON FUNCTION jikan_sync.oldest_recent(jsonb) IS
'The date of the oldest entry of a page of /recommendations/anime: pages go from new to old.';

CREATE FUNCTION jikan_sync.recent_titles(documents jsonb)
RETURNS integer[]
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT coalesce(array_agg(DISTINCT t.mal_id), '{}')
    FROM jikan_sync.recent_entries(recent_titles.documents) AS e
    CROSS JOIN LATERAL (VALUES (e.low), (e.high)) AS t (mal_id);
END;

COMMENT ON FUNCTION jikan_sync.recent_titles(jsonb) IS
'The titles on a page of /recommendations/anime.';

CREATE FUNCTION jikan_sync.store_recent(documents jsonb, fetched_at timestamptz DEFAULT NULL)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_fetched_at CONSTANT timestamptz := least(fetched_at, jikan_sync.clock_now());
    v_count integer;
    v_changed integer[];
BEGIN
    IF documents IS NULL OR jsonb_typeof(documents) <> 'array' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'documents must be a JSON array of recommendations',
            HINT = 'Pass the `data` of /recommendations/anime.';
    END IF;

    PERFORM jikan_sync.reject_document('recommendations', NULL, d.fault, d.document::text)
    FROM (
        SELECT e.document, jikan_sync.recent_fault(e.document) AS fault
        FROM jsonb_array_elements(documents) AS e (document)
    ) AS d
    WHERE d.fault IS NOT NULL;

    WITH said AS MATERIALIZED (
        SELECT
            s.low,
            s.high,
            -- What has no date, or one to come, tells that there is a pair; it is younger than
            -- nothing that is known, so it counts once and keeps nothing else from counting.
            CASE
                WHEN s.said_at <= v_fetched_at THEN s.said_at
                ELSE '-infinity'
            END AS said_at,
            CASE
                WHEN r.votes IS NULL THEN l.known_at
                ELSE greatest(r.voted_at, l.known_at, '-infinity')
            END AS known_at
        FROM jikan_sync.recent_entries(documents) AS s
        LEFT JOIN jikan.recommendation AS r ON r.low_mal_id = s.low AND r.high_mal_id = s.high
        CROSS JOIN LATERAL (
            VALUES (greatest(jikan_sync.list_known_at(s.low), jikan_sync.list_known_at(s.high)))
        ) AS l (known_at)
    ),

    news AS MATERIALIZED (
        SELECT s.low, s.high, count(*) AS votes, max(s.said_at) AS said_at
        FROM said AS s
        WHERE s.known_at IS NULL OR s.said_at > s.known_at
        GROUP BY s.low, s.high
    ),

    written AS (
        INSERT INTO jikan.recommendation AS r (low_mal_id, high_mal_id, votes, voted_at)
        SELECT n.low, n.high, n.votes, n.said_at
        FROM news AS n
        ORDER BY n.low, n.high
        ON CONFLICT (low_mal_id, high_mal_id) DO UPDATE SET
            votes = r.votes + excluded.votes,
            voted_at = excluded.voted_at
        WHERE r.voted_at IS NULL OR r.voted_at < excluded.voted_at
        RETURNING r.low_mal_id, r.high_mal_id
    )

    SELECT count(*), array_agg(w.low_mal_id) || array_agg(w.high_mal_id)
    INTO v_count, v_changed
    FROM written AS w;

    INSERT INTO jikan_sync.neighbour_wish (mal_id)
    SELECT DISTINCT c.mal_id FROM unnest(v_changed) AS c (mal_id);
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.store_recent(jsonb, timestamptz) IS
'Adds what is new in `documents`, the `data` of a page of /recommendations/anime, to the pairs: one
vote an entry that is younger than what is known of its pair. Answers how many pairs changed; the
same page again writes nothing. Raises: 22023 (no array).';

CREATE FUNCTION jikan_sync.keep_list(
    path text, page integer, document json, fetched_at timestamptz
)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO jikan.list_document AS d (path, page, body, pagination, hash, synced_at)
    VALUES (
        keep_list.path,
        keep_list.page,
        document -> 'data',
        document -> 'pagination',
        jsonb_hash_extended(document::jsonb, 0),
        fetched_at
    )
    ON CONFLICT ON CONSTRAINT list_document_pkey DO UPDATE SET
        body = excluded.body,
        pagination = excluded.pagination,
        hash = excluded.hash,
        synced_at = excluded.synced_at
    WHERE d.synced_at < excluded.synced_at;
    RETURN FOUND;
END;
$$;

COMMENT ON FUNCTION jikan_sync.keep_list(text, integer, json, timestamptz) IS
'Keeps a page of a list about no one title as received, unless a younger one is there.';

COMMIT;
