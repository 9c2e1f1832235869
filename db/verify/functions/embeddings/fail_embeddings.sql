-- Verify pgjikan:functions/embeddings/fail_embeddings on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.embedding_pause(jikan_sync.embedding_provider, text, interval)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.note_embedding_answer(integer)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.suspect_texts(integer, uuid[], integer)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.doubt_embeddings(jikan_sync.embedding_provider, integer, uuid[])',
        'execute'
    );
    ASSERT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.fail_embeddings(integer, bigint[], uuid[], uuid[], text, text, interval)',
        'execute'
    );
END;
$$;

ROLLBACK;
