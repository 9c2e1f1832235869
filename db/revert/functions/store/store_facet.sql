-- Revert pgjikan:functions/store/store_facet from pg

BEGIN;

DROP FUNCTION jikan_sync.store_facet(text, integer, json, integer, timestamptz);
DROP FUNCTION jikan_sync.is_empty_data(json);
DROP FUNCTION jikan_sync.facet_data(bigint, text);
DROP FUNCTION jikan_sync.write_facet_page(bigint, text, integer, json);

COMMIT;
