-- Revert pgjikan:functions/embeddings/claim_embeddings from pg

BEGIN;

DROP FUNCTION jikan_sync.claim_embeddings(text);

DROP FUNCTION jikan_sync.charge_embeddings(jikan_sync.claimed_task[]);

DROP FUNCTION jikan_sync.embedding_company(jikan_sync.claimed_task[]);

DROP FUNCTION jikan_sync.embedding_demand(jikan_sync.claimed_task[]);

DROP FUNCTION jikan_sync.adopt_embeddings(bigint[]);

DROP TYPE jikan_sync.claimed_embedding;

DELETE FROM jikan_sync.rate_limit
WHERE subject IN ('embedding:google', 'embedding:google-legacy');

COMMIT;
