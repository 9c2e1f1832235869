-- The face and the sidecar's doors: DESIGN.md sections 5, 6 and 8.
BEGIN;

SELECT plan(25);

SELECT has_function('anime', name, format('anime.%s is there', name))
FROM unnest(ARRAY[
    'search', 'search_cached', 'search_live', 'search_status', 'search_facets', 'suggest',
    'get', 'reviews', 'similar', 'recommend', 'season'
]) AS name;
SELECT has_view('anime', 'catalog', 'anime.catalog is there');
SELECT volatility_is('anime', 'search_cached', 'stable', 'search_cached never writes');
SELECT is_procedure('anime', 'search_live', 'search_live commits on the way');
SELECT has_function('jikan_sync', name, format('jikan_sync.%s is there', name))
FROM unnest(ARRAY[
    'claim', 'complete', 'fail', 'release', 'store_anime', 'store_embeddings', 'tick', 'run_job',
    'reserve_request', 'install_jobs', 'enqueue'
]) AS name;

SELECT * FROM finish();

ROLLBACK;
