-- Verify pgjikan:functions/store/store_facet on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.store_facet('news', 2147483647, '{"data": []}') = 'unmirrored';
    ASSERT jikan_sync.is_empty_data('{"promo": [], "episodes": [ ], "note": null}');
    ASSERT NOT jikan_sync.is_empty_data('{"promo": [], "episodes": [1]}');
END;
$$;

ROLLBACK;
