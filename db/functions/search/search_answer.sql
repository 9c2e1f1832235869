-- Deploy pgjikan:functions/search/search_answer to pg
-- requires: schema/search_request
-- requires: schema/queue

-- What came of a question put upstream: it is remembered, told to who listens, and forgotten in
-- time.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.learn_search(query_key text, mal_ids integer[])
RETURNS void
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    INSERT INTO jikan_sync.search_request (query_key, state, answered_at, mal_ids)
    VALUES (
        learn_search.query_key,
        'fetched',
        jikan_sync.clock_now(),
        coalesce(learn_search.mal_ids, '{}')
    )
    ON CONFLICT ON CONSTRAINT search_request_pkey DO UPDATE
        SET
            state = excluded.state,
            answered_at = excluded.answered_at,
            mal_ids = excluded.mal_ids;

    SELECT pg_notify('anime_search', '');
END;

COMMENT ON FUNCTION jikan_sync.learn_search(text, integer[]) IS
'Remembers what an upstream found for a query (empty: nothing) and tells channel `anime_search`,
without saying which: any login may listen, and what others search is not its business.';

CREATE FUNCTION jikan_sync.search_failed(query_key text)
RETURNS void
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    UPDATE jikan_sync.search_request AS s
    SET
        state = 'unavailable',
        failed_at = jikan_sync.clock_now()
    WHERE s.query_key = search_failed.query_key;

    SELECT pg_notify('anime_search', '');
END;

COMMENT ON FUNCTION jikan_sync.search_failed(text) IS
'Remembers that no upstream answered a query. What was learned before stays; the task may still be
in the queue, and its answer will be learned.';

CREATE FUNCTION jikan_sync.learned_mal_ids(query_key text)
RETURNS integer[]
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT s.mal_ids
    FROM jikan_sync.search_request AS s
    WHERE
        s.query_key = learned_mal_ids.query_key
        AND s.answered_at > (
            SELECT jikan_sync.ago(jikan_sync.setting_interval('search_learned_for'))
        );
END;

COMMENT ON FUNCTION jikan_sync.learned_mal_ids(text) IS
'What an upstream found for a query lately, in its order; empty: nothing; NULL: not asked.';

CREATE FUNCTION jikan_sync.purge_search_requests()
RETURNS bigint
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    WITH gone AS (
        DELETE FROM jikan_sync.search_request AS s
        WHERE
            greatest(s.requested_at, s.answered_at, s.failed_at) < (
                SELECT
                    jikan_sync.ago(
                        CASE
                            WHEN
                                s.mal_ids <> '{}'
                                THEN jikan_sync.setting_interval('search_learned_for')
                            ELSE interval '1 day'
                        END
                    )
            )
            -- Whose a question is counts for as long as it waits.
            AND NOT EXISTS (
                SELECT
                FROM jikan_sync.queue AS q
                WHERE q.dedupe_key = 'search:' || s.query_key
            )
        RETURNING s.query_key
    )

    SELECT count(*) FROM gone;
END;

COMMENT ON FUNCTION jikan_sync.purge_search_requests() IS
'Forgets questions that no longer answer anything: learned ones after `search_learned_for`, empty
and failed ones after a day, none that still waits. Answers how many.';

COMMIT;
