-- Verify pgjikan:functions/upstream/fetch_now on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege('anime_reader', 'anime.fetch_now(integer)', 'execute');
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.install_fetch_now()', 'execute'
    );
    IF EXISTS (
        SELECT
        FROM pg_catalog.pg_proc AS p
        INNER JOIN pg_catalog.pg_language AS l ON l.oid = p.prolang
        WHERE p.oid = 'anime.fetch_now(integer)'::regprocedure
            AND l.lanname = 'plpgsql'
    ) THEN
        BEGIN
            PERFORM anime.fetch_now(1);
            ASSERT false, 'the stand-in did not say what is missing';
        EXCEPTION
            WHEN feature_not_supported THEN NULL;
        END;
    END IF;
END;
$$;

ROLLBACK;
