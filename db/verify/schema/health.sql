-- Verify pgjikan:schema/health on pg

BEGIN;

DO $$
BEGIN
    ASSERT has_table_privilege('anime_reader', 'anime.health', 'select');
    ASSERT (SELECT h.state IN ('ok', 'degraded', 'down') FROM anime.health AS h);
END;
$$;

ROLLBACK;
