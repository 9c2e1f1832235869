-- Deploy pgjikan:functions/search/search_live to pg
-- requires: functions/search/search
-- requires: functions/search/search_status

-- Search and, where the database has no confident answer, wait for the sidecar's. It must commit,
-- so that the sidecar sees the question, and so it can have neither SECURITY DEFINER nor a SET
-- clause: it runs with the caller's rights and calls nothing but functions of the face, by their
-- full names.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE PROCEDURE anime.search_live(
    query text,
    INOUT results jsonb DEFAULT NULL,
    wait interval DEFAULT interval '5 seconds',
    max_rows integer DEFAULT 20,
    types text[] DEFAULT NULL,
    statuses text[] DEFAULT NULL,
    genres text[] DEFAULT NULL,
    year_from integer DEFAULT NULL,
    year_to integer DEFAULT NULL,
    min_score double precision DEFAULT NULL,
    nsfw boolean DEFAULT FALSE
)
LANGUAGE plpgsql
AS $$
DECLARE
    v_started_at timestamptz := pg_catalog.clock_timestamp();
    v_rows jsonb;
    v_state text;
    v_refusal text;
    v_has_waited boolean := false;
BEGIN
    IF wait IS NULL OR wait NOT BETWEEN interval '0' AND interval '1 minute' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = pg_catalog.format(
                'wait must be from 0 to 1 minute, not %s', coalesce(wait::text, 'NULL')
            ),
            HINT = 'To wait longer, ask again: the same question is not sent twice.';
    END IF;

    SELECT coalesce(pg_catalog.jsonb_agg(s), '[]')
    INTO v_rows
    FROM anime.search(
        query, max_rows, types, statuses, genres, year_from, year_to, min_score, nsfw
    ) AS s;
    SELECT s.state INTO v_state FROM anime.search_status(query) AS s;

    IF v_state = 'pending' AND wait > interval '0' THEN
        -- Inside a transaction block COMMIT would fail. Whether we are in one can only be learned
        -- from which of two refusals a COMMIT meets here, where it is refused in any case. In
        -- other languages than English this finds nothing, and the COMMIT below explains itself.
        BEGIN
            COMMIT;
        EXCEPTION
            WHEN invalid_transaction_termination THEN
                GET STACKED DIAGNOSTICS v_refusal = MESSAGE_TEXT;
        END;
        IF v_refusal = 'invalid transaction termination' THEN
            RAISE WARNING USING
                MESSAGE = 'anime.search_live cannot wait inside a transaction',
                HINT = 'Use autocommit: nobody sees the question before this transaction commits.';
            wait := interval '0';
        END IF;
        WHILE v_state = 'pending' AND pg_catalog.clock_timestamp() - v_started_at < wait LOOP
            COMMIT;
            PERFORM pg_catalog.pg_sleep(0.015);
            SELECT s.state INTO v_state FROM anime.search_status(query) AS s;
            v_has_waited := true;
        END LOOP;
    END IF;

    -- Read again what an upstream answered, waited for or not: the answer may have come between the
    -- search and the look at its state.
    IF v_state = 'fetched' THEN
        SELECT coalesce(pg_catalog.jsonb_agg(s), '[]')
        INTO v_rows
        FROM anime.search_cached(
            query, max_rows, types, statuses, genres, year_from, year_to, min_score, nsfw
        ) AS s;
    END IF;

    results := pg_catalog.jsonb_build_object(
        'query', query,
        'upstream', CASE
            WHEN v_state = 'fetched' AND v_has_waited THEN 'fetched'
            WHEN v_state IN ('fetched', 'local') THEN 'hit'
            WHEN v_state = 'pending' THEN 'pending'
            ELSE 'unavailable'
        END,
        'elapsed_ms', pg_catalog.round(
            extract(EPOCH FROM pg_catalog.clock_timestamp() - v_started_at) * 1000, 1
        ),
        'results', v_rows
    );
END;
$$;

COMMENT ON PROCEDURE anime.search_live (
    text, jsonb, interval, integer, text [], text [], text [], integer, integer, double precision,
    boolean
) IS
'Searches like `anime.search` and waits up to `wait` (at most a minute) for the sidecar where the
database has no confident answer. Answers in `results`: {"query", "upstream", "elapsed_ms",
"results": [rows of anime.search]}; `upstream` is hit (the database knew), fetched (it does now),
pending (ask again) or unavailable (no upstream can be asked now). Call it in autocommit mode; in a
transaction it warns and does not wait. Raises: 22023 (an argument out of range).';

GRANT EXECUTE ON PROCEDURE anime.search_live(
    text, jsonb, interval, integer, text[], text[], text[], integer, integer, double precision,
    boolean
) TO anime_reader;

COMMIT;
