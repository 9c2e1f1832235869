-- Revert pgjikan:schema/ledger from pg

BEGIN;

DROP TABLE jikan_sync.ask_policy;
DROP TABLE jikan_sync.ledger;

COMMIT;
