-- Verify pgjikan:functions/recommend/title_stem on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.title_stem('Overlord IV') = 'overlord';
    ASSERT jikan_sync.title_words('K-ON!!') = ' k on ';
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.title_stem(text)', 'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar', 'jikan_sync.title_words(text)', 'execute'
    );
END;
$$;

ROLLBACK;
