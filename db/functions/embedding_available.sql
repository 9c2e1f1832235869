-- Deploy pgjikan:functions/embedding_available to pg
-- requires: schema/embedding_model

-- Whether asking for embed tasks makes sense: with every provider in use blocked (down, key
-- refused, quota of the day gone), claims give nothing out and nothing is charged an attempt.

BEGIN;

SET LOCAL ROLE jikan_owner;

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
        INNER JOIN jikan_sync.embedding_provider AS p ON p.name = m.provider
        WHERE
            m.status IN ('active', 'backfilling')
            AND (p.blocked_until IS NULL OR p.blocked_until <= (SELECT jikan_sync.clock_now()))
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.embedding_available() IS
'Whether any provider of a model in use may be asked now.';

COMMIT;
