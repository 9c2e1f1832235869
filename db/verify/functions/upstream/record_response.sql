-- Verify pgjikan:functions/upstream/record_response on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.record_response(bigint, uuid, text, text, integer, text, interval, double precision, integer, text, boolean, integer)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.record_response(bigint, uuid, text, text, integer, text, interval, double precision, integer, text, boolean, integer)', 'execute'
    );
    ASSERT jikan_sync.listed_mal_ids('{"data": [{"mal_id": 5}, 7]}') = '{5}';
END;
$$;

ROLLBACK;
