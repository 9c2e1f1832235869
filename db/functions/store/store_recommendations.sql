-- Deploy pgjikan:functions/store/store_recommendations to pg
-- requires: schema/facet
-- requires: schema/ledger
-- requires: schema/recommendation
-- requires: schema/neighbour
-- requires: schema/rejected_document

-- The recommendations facet: the pairs that a title's own list tells of. A list says all about its
-- title, so votes go down and pairs vanish with it; but a pair stands in two lists, and the younger
-- of them is right. What is no recommendation of an anime lands in `jikan_sync.rejected_document`,
-- its neighbours here. The same list again writes no more than when it came.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.recommendation_fault(document jsonb, mal_id integer)
RETURNS text
LANGUAGE sql
IMMUTABLE
BEGIN ATOMIC
    SELECT CASE
        WHEN jsonb_typeof(recommendation_fault.document) <> 'object'
            THEN format('is %s, not an object', jsonb_typeof(recommendation_fault.document))
        WHEN
            (recommendation_fault.document #>> '{entry,mal_id}') !~ '^[1-9][0-9]{0,8}$' IS NOT FALSE
            OR jsonb_typeof(recommendation_fault.document #> '{entry,mal_id}') <> 'number'
            THEN 'entry.mal_id is no mal_id'
        WHEN
            (recommendation_fault.document #>> '{entry,mal_id}')::integer
            = recommendation_fault.mal_id
            THEN 'recommends itself'
        WHEN
            (recommendation_fault.document #>> '{entry,url}') ~ '/manga/'
            OR (recommendation_fault.document ->> 'url') ~ '/manga/'
            THEN 'entry is a manga'
        WHEN
            (recommendation_fault.document ->> 'votes') !~ '^[1-9][0-9]{0,8}$' IS NOT FALSE
            OR jsonb_typeof(recommendation_fault.document -> 'votes') <> 'number'
            THEN 'votes is no count'
    END;
END;

COMMENT ON FUNCTION jikan_sync.recommendation_fault(jsonb, integer) IS
'Why `document` is no recommendation in the list of the anime `mal_id`; NULL where it is one.';

CREATE FUNCTION jikan_sync.list_known_at(mal_id integer)
RETURNS timestamptz
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        greatest(
            (
                SELECT l.fetched_at
                FROM jikan.recommendation_list AS l
                WHERE l.mal_id = list_known_at.mal_id
            ),
            -- Of one that came again as it was only the ledger hears.
            (
                SELECT l.stored_at
                FROM jikan_sync.ledger AS l
                WHERE
                    l.facet = 'recommendations'
                    AND l.mal_id = list_known_at.mal_id
            )
        );
END;

COMMENT ON FUNCTION jikan_sync.list_known_at(integer) IS
'Since when the list of recommendations of an anime is known to be as it is; NULL: it is not.';

CREATE FUNCTION jikan_sync.store_recommendations(
    mal_id integer,
    documents jsonb,
    fetched_at timestamptz DEFAULT NULL
)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_fetched_at CONSTANT timestamptz := least(fetched_at, jikan_sync.clock_now());
    v_others integer[];
    v_votes integer[];
    v_changed integer[];
BEGIN
    IF documents IS NULL OR jsonb_typeof(documents) <> 'array' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'documents must be a JSON array of recommendations',
            HINT = 'Pass the `data` of /anime/{id}/recommendations.';
    END IF;
    IF mal_id IS NULL OR mal_id < 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'mal_id must be a positive integer',
            HINT = 'A mal_id is the number in https://myanimelist.net/anime/NUMBER.';
    END IF;

    IF jikan_sync.list_known_at(mal_id) > v_fetched_at THEN
        RETURN false;
    END IF;

    PERFORM jikan_sync.reject_document(
        'recommendations', store_recommendations.mal_id, d.fault, d.document::text
    )
    FROM (
        SELECT
            e.document,
            jikan_sync.recommendation_fault(e.document, store_recommendations.mal_id) AS fault
        FROM jsonb_array_elements(documents) AS e (document)
    ) AS d
    WHERE d.fault IS NOT NULL;

    SELECT array_agg(d.other ORDER BY d.other), array_agg(d.votes ORDER BY d.other)
    INTO v_others, v_votes
    FROM (
        SELECT
            (e.document #>> '{entry,mal_id}')::integer AS other,
            max((e.document ->> 'votes')::integer) AS votes
        FROM jsonb_array_elements(documents) AS e (document)
        WHERE jikan_sync.recommendation_fault(e.document, store_recommendations.mal_id) IS NULL
        GROUP BY other
    ) AS d;

    WITH told AS MATERIALIZED (
        SELECT t.other, t.votes FROM unnest(v_others, v_votes) AS t (other, votes)
    ),

    known AS MATERIALIZED (
        SELECT v.other_mal_id AS other, v.votes
        FROM jikan_sync.vote AS v
        WHERE v.mal_id = store_recommendations.mal_id
    ),

    -- What the other title's list said later stays.
    difference AS MATERIALIZED (
        SELECT
            coalesce(t.other, k.other) AS other,
            least(coalesce(t.other, k.other), store_recommendations.mal_id) AS low,
            greatest(coalesce(t.other, k.other), store_recommendations.mal_id) AS high,
            t.votes
        FROM told AS t
        FULL JOIN known AS k ON k.other = t.other
        WHERE t.votes IS DISTINCT FROM k.votes
            AND (jikan_sync.list_known_at(coalesce(t.other, k.other)) > v_fetched_at) IS NOT TRUE
    ),

    written AS (
        INSERT INTO jikan.recommendation AS r (low_mal_id, high_mal_id, votes)
        SELECT d.low, d.high, d.votes
        FROM difference AS d
        WHERE d.votes IS NOT NULL
        ORDER BY d.low, d.high
        ON CONFLICT (low_mal_id, high_mal_id) DO UPDATE SET votes = excluded.votes
        WHERE r.votes <> excluded.votes
    ),

    gone AS (
        DELETE FROM jikan.recommendation AS r
        USING difference AS d
        WHERE d.votes IS NULL
            AND r.low_mal_id = d.low
            AND r.high_mal_id = d.high
    )

    SELECT array_agg(d.other) INTO v_changed FROM difference AS d;

    IF v_changed IS NOT NULL THEN
        INSERT INTO jikan_sync.neighbour_wish (mal_id)
        SELECT c.mal_id
        FROM unnest(store_recommendations.mal_id || v_changed) AS c (mal_id);
    END IF;
    -- Asked first: a conflict locks the row, which writes too.
    IF NOT EXISTS (
        SELECT FROM jikan.recommendation_list AS l
        WHERE l.mal_id = store_recommendations.mal_id
            AND l.fetched_at >= v_fetched_at
    )
    THEN
        INSERT INTO jikan.recommendation_list AS l (mal_id, fetched_at)
        VALUES (store_recommendations.mal_id, v_fetched_at)
        ON CONFLICT ON CONSTRAINT recommendation_list_pkey DO UPDATE SET
            fetched_at = excluded.fetched_at
        WHERE l.fetched_at < excluded.fetched_at;
    END IF;
    RETURN true;
END;
$$;

COMMENT ON FUNCTION jikan_sync.store_recommendations(integer, jsonb, timestamptz) IS
'Makes the pairs of an anime, mirrored or not, what `documents` (the `data` of
/anime/{id}/recommendations) tells. False where a younger list of it was stored. Raises: 22023 (no
array, no mal_id).';

UPDATE jikan_sync.facet SET store = 'jikan_sync.store_recommendations'
WHERE name = 'recommendations';

COMMIT;
