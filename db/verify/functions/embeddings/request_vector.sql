-- Verify pgjikan:functions/embeddings/request_vector on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT jikan_sync.request_vector(2147483647);
    ASSERT NOT has_function_privilege('anime_reader', 'jikan_sync.request_vector(integer)', 'execute');
END;
$$;

ROLLBACK;
