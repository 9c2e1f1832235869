-- Deploy pgjikan:functions/upstream/reserve_request to pg
-- requires: schema/breaker
-- requires: functions/upstream/reserve_rate

-- Whom to ask next, and when: the best provider that is enabled, not broken and not busy. One round
-- trip for the sidecar, which waits as told, asks, and reports.

BEGIN;

SET LOCAL ROLE jikan_owner;

-- Every claim asks this, so it must not be planned at each call, which costs more than the claim:
-- LANGUAGE sql that cannot be inlined is, and so is a plan that an argument of NULL makes cheaper,
-- unless told not to.
CREATE FUNCTION jikan_sync.upstream_available(
    only_provider text DEFAULT NULL,
    keys text[] DEFAULT NULL
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
    v_patience interval := jikan_sync.setting_interval('upstream_patience');
BEGIN
    RETURN EXISTS (
        SELECT
        FROM jikan_sync.provider AS p
        CROSS JOIN LATERAL (
            VALUES
            (jikan_sync.limit_subject(p.name, false), jikan_sync.limit_subject(p.name, true), false),
            (jikan_sync.limit_subject(p.name, true), jikan_sync.limit_subject(p.name, false), true)
        ) AS way (subject, other, is_keyed)
        WHERE
            p.enabled
            AND (
                upstream_available.only_provider IS NULL
                OR p.name = upstream_available.only_provider
            )
            AND NOT EXISTS (
                SELECT FROM jikan_sync.breaker AS b
                WHERE b.provider = p.name AND b.state <> 'closed' AND b.probe_at > v_now
            )
            AND CASE
                WHEN upstream_available.keys IS NOT NULL
                    THEN way.is_keyed
                        = (p.key_header IS NOT NULL AND p.name = ANY (upstream_available.keys))
                -- Whoever does not ask for himself is told of the ways that are taken: that nobody
                -- uses a key (or that all do) leaves the other way idle, and says nothing.
                WHEN p.key_header IS NULL THEN NOT way.is_keyed
                ELSE coalesce(
                    (
                        SELECT max(r.tat) FROM jikan_sync.rate_limit AS r
                        WHERE r.subject = way.subject
                    ) >= (
                        SELECT jikan_sync.earlier(max(r.tat), '1 hour')
                        FROM jikan_sync.rate_limit AS r
                        WHERE r.subject = way.other
                    ),
                    true
                )
            END
            -- Idle, which most are, is seen at a glance; only the busy are asked how long.
            AND (
                NOT EXISTS (
                    SELECT FROM jikan_sync.rate_limit AS r
                    WHERE
                        r.subject = way.subject
                        AND greatest(r.tat, r.paused_until) > v_now
                )
                OR jikan_sync.rate_wait(way.subject) <= v_patience
            )
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.upstream_available(text, text[]) IS
'Whether a request could be reserved now: some enabled provider (or `only_provider`) has a closed
breaker, or is due for a canary, and its turn comes within the setting `upstream_patience`. `keys`
names the providers for which the caller has a server key; NULL, for who will not ask himself: the
turn of those who asked lately, with a key or without.';

CREATE FUNCTION jikan_sync.reserve_request(
    only_provider text DEFAULT NULL,
    subject text DEFAULT NULL,
    keys text[] DEFAULT '{}'
)
RETURNS TABLE (
    provider text,
    base_url text,
    key_header text,
    wait interval,
    is_canary boolean,
    is_first boolean,
    is_keyed boolean
)
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_patience interval := jikan_sync.setting_interval('upstream_patience');
    v_now timestamptz := jikan_sync.clock_now();
    v_candidate record;
BEGIN
    FOR v_candidate IN
        SELECT
            p.name,
            p.base_url,
            p.key_header,
            coalesce(p.key_header IS NOT NULL AND p.name = ANY (keys), false) AS is_keyed,
            coalesce(b.state, 'closed') <> 'closed' AS is_broken,
            NOT EXISTS (
                SELECT 1
                FROM jikan_sync.provider AS better
                WHERE better.enabled
                    AND better.rank < p.rank
            ) AS is_first
        FROM jikan_sync.provider AS p
        LEFT JOIN jikan_sync.breaker AS b ON b.provider = p.name
        LEFT JOIN jikan_sync.breaker_failure AS f
            ON f.provider = p.name
            AND f.subject = reserve_request.subject
            AND f.failed_at > jikan_sync.earlier(
                v_now, jikan_sync.setting_interval('breaker_probe_after')
            )
        WHERE CASE
                WHEN reserve_request.only_provider IS NULL THEN p.enabled
                ELSE p.name = reserve_request.only_provider
            END
            AND (b.probe_at IS NULL OR b.probe_at <= v_now)
        -- A due canary goes first, else a provider would be found again only when its stand-in
        -- fails. What this one failed at, or while it is doubted, another may do.
        ORDER BY
            coalesce(b.state, 'closed') = 'closed'
            AND (f.subject IS NOT NULL OR coalesce(b.doubted_until > v_now, false)),
            p.rank
    LOOP
        IF v_candidate.is_broken THEN
            UPDATE jikan_sync.breaker AS b
            SET
                state = 'half_open',
                probe_at = jikan_sync.later(
                    v_now, jikan_sync.setting_interval('breaker_probe_timeout')
                )
            WHERE b.provider = v_candidate.name
                AND b.state <> 'closed'
                AND b.probe_at <= v_now;
            CONTINUE WHEN NOT FOUND;  -- another sidecar sends the canary
        END IF;

        wait := jikan_sync.reserve_rate(
            jikan_sync.limit_subject(v_candidate.name, v_candidate.is_keyed),
            '{"request": 1}',
            v_patience
        );
        IF wait <= v_patience THEN
            provider := v_candidate.name;
            base_url := v_candidate.base_url;
            key_header := v_candidate.key_header;
            is_canary := v_candidate.is_broken;
            is_first := v_candidate.is_first;
            is_keyed := v_candidate.is_keyed;
            RETURN NEXT;
            RETURN;
        END IF;

        IF v_candidate.is_broken THEN
            UPDATE jikan_sync.breaker AS b
            SET
                state = 'open',
                probe_at = jikan_sync.later(v_now, wait)
            WHERE b.provider = v_candidate.name
                AND b.state = 'half_open';
        END IF;
    END LOOP;
END;
$$;

COMMENT ON FUNCTION jikan_sync.reserve_request(text, text, text[]) IS
'Reserves one request at the best provider (or `only_provider`, even a disabled one) and answers
whom to ask, after which wait; no row while none may be asked: then give the task back, it costs
nothing. `subject` says what will be asked (`anime:5`), so that what one provider failed at goes to
another; `keys` for which providers the caller has a server key: `is_keyed` says that this one''s is
to be sent, and that the limit with a key was charged. `is_first` says whether the provider is the
first by rank, whose base URL PGJIKAN_JIKAN_URL overrides.';

GRANT EXECUTE ON FUNCTION jikan_sync.reserve_request(text, text, text[]) TO jikan_sidecar;

COMMIT;
