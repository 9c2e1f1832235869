-- Verify pgjikan:functions/face/admits on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT a.id
FROM jikan_sync.findable AS a
WHERE
    jikan_sync.admits(jikan_sync.make_filter(), a)
    AND FALSE;

DO $$
BEGIN
    ASSERT (jikan_sync.make_filter(genres => '{Action}')).genres = '{action}';
    ASSERT jikan_sync.has_condition(jikan_sync.make_filter(year_to => 1999));
    ASSERT NOT jikan_sync.has_condition(jikan_sync.make_filter(nsfw => true));
END;
$$;

ROLLBACK;
