-- The three roles and what they may reach.
BEGIN;

SELECT plan(12);

SELECT has_role('jikan_owner');
SELECT has_role('jikan_sidecar');
SELECT has_role('anime_reader');
SELECT schemas_are(ARRAY['anime', 'jikan', 'jikan_sync', 'public', 'sqitch']);
SELECT schema_owner_is('anime', 'jikan_owner');
SELECT schema_owner_is('jikan', 'jikan_owner');
SELECT schema_owner_is('jikan_sync', 'jikan_owner');
SELECT schema_privs_are('anime', 'anime_reader', ARRAY['USAGE']);
SELECT schema_privs_are('jikan', 'anime_reader', '{}'::text []);
SELECT schema_privs_are('jikan_sync', 'anime_reader', '{}'::text []);
SELECT schema_privs_are('jikan_sync', 'jikan_sidecar', ARRAY['USAGE']);
SELECT schema_privs_are('jikan', 'jikan_sidecar', '{}'::text []);

SELECT * FROM finish();

ROLLBACK;
