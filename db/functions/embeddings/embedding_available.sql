-- Deploy pgjikan:functions/embeddings/embedding_available to pg
-- requires: schema/embedding_model

-- Whether asking for embed tasks makes sense: with every model in use gone or its provider blocked
-- (down, key refused, quota of the day gone), claims give nothing out and nothing is charged an
-- attempt.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.embedding_block(model_id integer)
RETURNS TABLE (blocked_until timestamptz, blocked_reason text)
LANGUAGE sql
STABLE
ROWS 1
BEGIN ATOMIC
    SELECT
        b.blocked_until,
        b.blocked_reason
    FROM jikan.embedding_model AS m
    INNER JOIN jikan_sync.embedding_provider AS p ON m.provider = p.name
    CROSS JOIN
        LATERAL (
            VALUES
            (m.gone_until, m.gone_reason),
            (p.blocked_until, p.blocked_reason)
        ) AS b (blocked_until, blocked_reason)
    WHERE
        m.id = embedding_block.model_id
        AND b.blocked_until > (SELECT jikan_sync.clock_now())
    ORDER BY b.blocked_until DESC
    LIMIT 1;
END;

COMMENT ON FUNCTION jikan_sync.embedding_block(integer) IS
'Until when a model is not asked, and why: it is gone, or its provider is left alone. No row: it may
be asked now.';

-- Not LANGUAGE sql, which would be planned anew at each claim.
CREATE FUNCTION jikan_sync.embedding_available()
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (
        SELECT
        FROM jikan.embedding_model AS m
        WHERE
            m.status IN ('active', 'backfilling')
            AND NOT EXISTS (SELECT FROM jikan_sync.embedding_block(m.id))
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.embedding_available() IS
'Whether any model in use may be asked now.';

COMMIT;
