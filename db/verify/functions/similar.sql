-- Verify pgjikan:functions/similar on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.taste_probes(bigint[])',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.request_vectors(integer[])',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.check_mal_ids(integer[], text)',
        'execute'
    );
    ASSERT has_function_privilege(
        'anime_reader',
        'anime.similar(integer, integer, text[], text[], text[], integer, integer, double precision, boolean, boolean)',
        'execute'
    );
END;
$$;

ROLLBACK;
