-- Verify pgjikan:functions/freshness/ledger on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    PERFORM jikan_sync.note_answer('core', 2147483647, 'not_found');
    ASSERT NOT jikan_sync.may_ask('core', 2147483647);
    ASSERT jikan_sync.may_ask('reviews', 2147483647);
    ASSERT jikan_sync.forget_answer('core', 2147483647);
    ASSERT jikan_sync.may_ask('core', 2147483647);
    ASSERT NOT jikan_sync.note_stored('reviews', 2147483647, now());
    ASSERT NOT has_function_privilege(
        'anime_reader', 'jikan_sync.forget_answer(text, integer)', 'execute'
    );
END;
$$;

ROLLBACK;
