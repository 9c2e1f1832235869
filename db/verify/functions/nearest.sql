-- Verify pgjikan:functions/nearest on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.vector_schema()',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.nearest(halfvec[], halfvec, halfvec[], bigint[], integer, bigint[], boolean, text[], text[], text[], integer, integer, double precision, boolean)',
        'execute'
    );
END;
$$;

ROLLBACK;
