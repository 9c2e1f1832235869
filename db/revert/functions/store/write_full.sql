-- Revert pgjikan:functions/store/write_full from pg

BEGIN;

DROP FUNCTION jikan_sync.write_full(jsonb[], bigint[], timestamptz);
DROP FUNCTION jikan_sync.write_relations(jsonb[], bigint[]);

COMMIT;
