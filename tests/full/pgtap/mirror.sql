-- The mirror's contract: DESIGN.md section 3.
BEGIN;

SELECT plan(14);

SELECT has_table('jikan', 'anime', 'jikan.anime is there');
SELECT col_is_pk('jikan', 'anime', 'id', 'its key is our own');
SELECT col_is_unique('jikan', 'anime', 'mal_id', 'one row an anime');
SELECT col_not_null('jikan', 'anime', 'mal_id', 'no row without MyAnimeList''s id');
SELECT col_type_is(
    'jikan', 'anime', 'last_jikan_sync', 'timestamp with time zone', 'synced at an instant'
);
SELECT col_has_check('jikan', 'anime', 'sync_status', 'sync_status is checked');
SELECT col_type_is('jikan', 'anime', 'sync_status', 'text', 'sync_status is text');
SELECT matches(
    pg_get_constraintdef(k.oid),
    'fresh.*stale.*pending_embeddings',
    'sync_status is fresh, stale or pending_embeddings'
)
FROM pg_constraint AS k
JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
WHERE
    k.conrelid = 'jikan.anime'::regclass
    AND k.contype = 'c'
    AND cardinality(k.conkey) = 1
    AND a.attname = 'sync_status';
SELECT has_table('jikan_sync', 'queue', 'jikan_sync.queue is there');
SELECT col_has_check('jikan_sync', 'queue', 'priority', 'priority is checked');
SELECT has_column('jikan_sync', 'queue_history', 'processed_at', 'a task says when it was done');
SELECT has_column('jikan_sync', 'queue', 'anime_id', 'a task may name its anime');
SELECT has_table('jikan_sync', 'freshness_policy', 'freshness is a table');
SELECT has_table('jikan_sync', 'provider', 'providers are a table');

SELECT * FROM finish();

ROLLBACK;
