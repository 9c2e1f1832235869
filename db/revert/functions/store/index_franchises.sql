-- Revert pgjikan:functions/store/index_franchises from pg

BEGIN;

DROP TRIGGER index_old_franchise ON jikan.relation;

DROP TRIGGER index_new_franchise ON jikan.relation;

DROP FUNCTION jikan_sync.tg_index_franchise();

DROP FUNCTION jikan_sync.index_franchises(integer[]);

DROP FUNCTION jikan_sync.franchise_edges(integer[]);

DROP FUNCTION jikan_sync.is_franchise_relation(text, text, integer);

COMMIT;
