-- Verify pgjikan:functions/upstream/request_path on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT jikan_sync.request_path('anime', 5, '{}') = '/anime/5/full';
    ASSERT jikan_sync.request_path('search', NULL, '{"query": "k-on! 進"}')
        = '/anime?q=k-on%21%20%E9%80%B2&limit=25&page=1';
    ASSERT jikan_sync.request_path('facet', 5, '{"facet": "episodes", "page": 2}')
        = '/anime/5/episodes?page=2';
END;
$$;

ROLLBACK;
