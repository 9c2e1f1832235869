-- Deploy pgjikan:functions/upstream/provider to pg
-- requires: schema/breaker
-- requires: schema/request_stat
-- requires: functions/upstream/reserve_rate

-- Providers for people: how each is doing, and changing one without spelling out an UPDATE.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE VIEW jikan_sync.provider_status AS
WITH turn AS (
    SELECT
        p.name,
        jikan_sync.clock_now() AS now,
        jikan_sync.rate_wait(jikan_sync.limit_subject(p.name, false)) AS wait,
        CASE
            WHEN p.key_header IS NOT null
                THEN jikan_sync.rate_wait(jikan_sync.limit_subject(p.name, true))
        END AS keyed_wait
    FROM jikan_sync.provider AS p
)

SELECT
    p.name,
    p.rank,
    p.enabled,
    p.base_url,
    b.probe_at,
    b.last_failure,
    b.last_failure_at,
    turn.wait,
    turn.keyed_wait,
    coalesce(b.state, 'closed') AS breaker,
    jikan_sync.rate_pace(jikan_sync.limit_subject(p.name, false)) AS pace,
    CASE
        WHEN p.key_header IS NOT null
            THEN jikan_sync.rate_pace(jikan_sync.limit_subject(p.name, true))
    END AS keyed_pace,
    coalesce(stats.request_count, 0) AS request_count,
    coalesce(stats.failure_count, 0) AS failure_count,
    coalesce(stats.rate_limited_count, 0) AS rate_limited_count,
    -- A way that nobody takes, with a key or without, waits for nothing.
    CASE
        WHEN p.enabled
            THEN
                nullif(
                    greatest(
                        turn.now, b.probe_at, jikan_sync.later(turn.now, turn.wait),
                        jikan_sync.later(turn.now, turn.keyed_wait)
                    ), turn.now
                )
    END AS next_try_at
FROM jikan_sync.provider AS p
INNER JOIN turn ON p.name = turn.name
LEFT JOIN jikan_sync.breaker AS b ON p.name = b.provider
LEFT JOIN LATERAL (
    SELECT
        sum(s.request_count) AS request_count,
        sum(s.request_count) FILTER (
            WHERE s.outcome IN ('upstream_error', 'transport_error', 'invalid')
        ) AS failure_count,
        sum(s.request_count) FILTER (WHERE s.outcome = 'rate_limited') AS rate_limited_count
    FROM jikan_sync.request_stat AS s
    WHERE
        s.provider = p.name
        AND s.hour > (SELECT jikan_sync.ago('24 hours'))
) AS stats ON true
ORDER BY p.rank;

COMMENT ON VIEW jikan_sync.provider_status IS
'How each provider is doing: breaker, pace, and what became of a day''s requests.';
COMMENT ON COLUMN jikan_sync.provider_status.name IS 'The provider.';
COMMENT ON COLUMN jikan_sync.provider_status.rank IS 'Order of preference.';
COMMENT ON COLUMN jikan_sync.provider_status.enabled IS 'Whether it is asked at all.';
COMMENT ON COLUMN jikan_sync.provider_status.base_url IS 'Where it is.';
COMMENT ON COLUMN jikan_sync.provider_status.breaker IS
'closed (asked), open (left alone) or half_open (being probed).';
COMMENT ON COLUMN jikan_sync.provider_status.probe_at IS 'When it is probed next.';
COMMENT ON COLUMN jikan_sync.provider_status.last_failure IS
'Outcome and status of its last failure.';
COMMENT ON COLUMN jikan_sync.provider_status.last_failure_at IS 'When it last failed.';
COMMENT ON COLUMN jikan_sync.provider_status.next_try_at IS
'When it is asked next, as breaker and limits allow; NULL: at once, or never while disabled.';
COMMENT ON COLUMN jikan_sync.provider_status.wait IS
'How long a request without a key would wait for its turn.';
COMMENT ON COLUMN jikan_sync.provider_status.pace IS
'Share of the full pace without a key; less than 1 after a 429.';
COMMENT ON COLUMN jikan_sync.provider_status.keyed_wait IS
'Like `wait`, with a server key; NULL: the provider takes none.';
COMMENT ON COLUMN jikan_sync.provider_status.keyed_pace IS
'Like `pace`, with a server key; NULL: the provider takes none.';
COMMENT ON COLUMN jikan_sync.provider_status.request_count IS 'Requests of the last 24 hours.';
COMMENT ON COLUMN jikan_sync.provider_status.failure_count IS 'Those of them that failed.';
COMMENT ON COLUMN jikan_sync.provider_status.rate_limited_count IS
'Those of them answered by a 429.';

CREATE FUNCTION jikan_sync.set_provider(
    name text,
    base_url text DEFAULT null,
    rank integer DEFAULT null,
    per_second numeric DEFAULT null,
    per_minute numeric DEFAULT null,
    per_day numeric DEFAULT null,
    key_header text DEFAULT null
)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Who stands there already moves on by one, and so do those behind.
    IF EXISTS (
        SELECT FROM jikan_sync.provider AS p
        WHERE p.rank = set_provider.rank AND p.name <> set_provider.name
    ) THEN
        UPDATE jikan_sync.provider AS p
        SET rank = CASE WHEN p.name = set_provider.name THEN set_provider.rank ELSE p.rank + 1 END
        WHERE p.rank >= set_provider.rank OR p.name = set_provider.name;
    END IF;
    UPDATE jikan_sync.provider AS p
    SET
        base_url = coalesce(set_provider.base_url, p.base_url),
        rank = coalesce(set_provider.rank, p.rank),
        per_second = nullif(coalesce(set_provider.per_second, p.per_second), 0),
        per_minute = nullif(coalesce(set_provider.per_minute, p.per_minute), 0),
        per_day = nullif(coalesce(set_provider.per_day, p.per_day), 0),
        key_header = nullif(coalesce(set_provider.key_header, p.key_header), '')
    WHERE p.name = set_provider.name;
    IF FOUND THEN
        RETURN;
    END IF;
    IF set_provider.base_url IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'no_data_found',
            MESSAGE = format('there is no provider "%s"', set_provider.name),
            HINT = 'Give its base URL to add it.';
    END IF;
    INSERT INTO jikan_sync.provider (
        name, base_url, rank, per_second, per_minute, per_day, key_header
    )
    VALUES (
        set_provider.name,
        set_provider.base_url,
        coalesce(
            set_provider.rank, (SELECT coalesce(max(p.rank), 0) + 1 FROM jikan_sync.provider AS p)
        ),
        nullif(set_provider.per_second, 0),
        nullif(set_provider.per_minute, 0),
        nullif(set_provider.per_day, 0),
        nullif(set_provider.key_header, '')
    );
EXCEPTION
    WHEN check_violation THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('provider "%s" cannot be set so: %s', set_provider.name, sqlerrm),
            HINT = 'The base URL is http(s)://host[:port]/path without user, password or query; '
                'ranks begin at 1; limits are positive.';
END;
$$;

COMMENT ON FUNCTION jikan_sync.set_provider(
    text, text, integer, numeric, numeric, numeric, text
) IS
'Changes a provider, or adds one where `name` is new; what is NULL stays, a limit of 0 is none.
Where another has the `rank` already, it and those behind it move on by one.
Raises: 22023 (a value that cannot be), P0002 (new, but no `base_url`).';

CREATE FUNCTION jikan_sync.enable_provider(name text, enabled boolean DEFAULT true)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE jikan_sync.provider AS p
    SET enabled = enable_provider.enabled
    WHERE p.name = enable_provider.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'no_data_found',
            MESSAGE = format('there is no provider "%s"', enable_provider.name),
            HINT = 'SELECT name FROM jikan_sync.provider_status;';
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.enable_provider(text, boolean) IS
'Lets a provider be asked, or not. Raises: P0002 (no such provider).';

COMMIT;
