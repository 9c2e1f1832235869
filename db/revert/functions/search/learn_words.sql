-- Revert pgjikan:functions/search/learn_words from pg

BEGIN;

DROP FUNCTION jikan_sync.store_words(integer, text[], text[], text[]);

DROP FUNCTION jikan_sync.request_words(integer, text);

DROP FUNCTION jikan_sync.claim_words(integer);

DROP TYPE jikan_sync.claimed_word;

COMMIT;
