-- Revert pgjikan:functions/v4/get_facet from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION jikan_sync.v4_get_all(jikan_sync.v4_request);
DROP FUNCTION jikan_sync.v4_get_episode(jikan_sync.v4_request);
DROP FUNCTION jikan_sync.has_all_pages(bigint, text);
DROP FUNCTION jikan_sync.v4_get_facet(jikan_sync.v4_request);
DROP FUNCTION jikan_sync.v4_stored_facet(bigint, text, integer);
DROP FUNCTION jikan_sync.v4_get_reviews(jikan_sync.v4_request);
DROP FUNCTION jikan_sync.review_text(jikan.review);
DROP FUNCTION jikan_sync.v4_get_pictures(jikan_sync.v4_request);

COMMIT;
