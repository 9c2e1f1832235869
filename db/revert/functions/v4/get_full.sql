-- Revert pgjikan:functions/v4/get_full from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.v4_get_links(jikan_sync.v4_request);
DROP FUNCTION jikan_sync.v4_get_themes(jikan_sync.v4_request);
DROP FUNCTION jikan_sync.v4_get_relations(jikan_sync.v4_request);
DROP FUNCTION jikan_sync.v4_get_full(jikan_sync.v4_request);
DROP FUNCTION jikan_sync.links_text(bigint, text);
DROP FUNCTION jikan_sync.songs_text(bigint);
DROP FUNCTION jikan_sync.relations_text(bigint);

COMMIT;
