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
    ASSERT (jikan_sync.make_filter(year_to => 1999)).is_narrow;
    ASSERT NOT (jikan_sync.make_filter(nsfw => true)).is_narrow;
END;
$$;

ROLLBACK;
