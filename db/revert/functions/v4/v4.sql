-- Revert pgjikan:functions/v4/v4 from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP FUNCTION anime.v4(text, jsonb, jsonb);
DROP FUNCTION anime.v4_cached(text, jsonb, jsonb);
DROP FUNCTION jikan_sync.v4_ask(jikan_sync.v4_answer);
DROP FUNCTION jikan_sync.v4_has_wish(jikan_sync.v4_answer);
DROP FUNCTION jikan_sync.v4_is_awaited(jikan_sync.v4_answer);
DROP FUNCTION jikan_sync.v4_task_key(text, integer);
DROP FUNCTION jikan_sync.v4_task_route(text, integer);
DROP FUNCTION jikan_sync.v4_stale(jikan_sync.v4_answer);
DROP FUNCTION jikan_sync.is_worth_a_wait();
DROP FUNCTION jikan_sync.v4_respond(jikan_sync.v4_answer, boolean, boolean, boolean);
DROP FUNCTION jikan_sync.v4_headers(jikan_sync.v4_answer);
DROP FUNCTION jikan_sync.http_date(timestamp with time zone);
DROP FUNCTION jikan_sync.v4_answer(text, jsonb, jsonb);
DROP FUNCTION jikan_sync.v4_clean_path(text);
DROP FUNCTION jikan_sync.v4_known(jsonb);

COMMIT;
