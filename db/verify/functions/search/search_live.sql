-- Verify pgjikan:functions/search/search_live on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
DECLARE
    v_results jsonb;
BEGIN
    CALL anime.search_live('ab', v_results, '0');
    ASSERT v_results ->> 'upstream' = 'hit';
    ASSERT jsonb_typeof(v_results -> 'results') = 'array';
    ASSERT has_function_privilege(
        'anime_reader',
        'anime.search_live(text, jsonb, interval, integer, text[], text[], text[], integer, '
        'integer, double precision, boolean)',
        'execute'
    );
END;
$$;

ROLLBACK;
