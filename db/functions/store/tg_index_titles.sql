-- Deploy pgjikan:functions/store/tg_index_titles to pg
-- requires: schema/anime
-- requires: functions/store/index_titles

-- What search knows of an anime follows its titles by itself, whoever changes them, and is left
-- alone when anything else changes.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.tg_index_titles()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_anime_ids bigint[];
BEGIN
    IF TG_OP = 'DELETE' THEN
        -- Titles cascade; words have no foreign key and no index by anime, deleting being rare.
        DELETE FROM jikan_sync.title_word AS w
        USING old_row AS o
        WHERE w.anime_id = o.id;
    ELSIF TG_OP = 'INSERT' THEN
        SELECT array_agg(n.id) INTO v_anime_ids FROM new_row AS n;
    ELSE
        SELECT array_agg(n.id)
        INTO v_anime_ids
        FROM new_row AS n
        INNER JOIN old_row AS o ON o.id = n.id
        WHERE n.titles IS DISTINCT FROM o.titles
            OR (n.removed_at IS NULL) <> (o.removed_at IS NULL)
            OR jikan_sync.popularity_tier(n.members, n.score)
            <> jikan_sync.popularity_tier(o.members, o.score);
    END IF;
    IF v_anime_ids IS NOT NULL THEN
        PERFORM jikan_sync.index_titles(v_anime_ids);
    END IF;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_index_titles() IS
'Rebuilds what search derives from titles, for new anime and those whose titles, popularity tier
or tombstone changed, and drops it with the anime.';

CREATE TRIGGER index_titles_of_new
AFTER INSERT ON jikan.anime
REFERENCING NEW TABLE AS new_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_index_titles();

CREATE TRIGGER index_titles_of_changed
AFTER UPDATE ON jikan.anime
REFERENCING OLD TABLE AS old_row NEW TABLE AS new_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_index_titles();

CREATE TRIGGER drop_titles_of_deleted
AFTER DELETE ON jikan.anime
REFERENCING OLD TABLE AS old_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_index_titles();

COMMIT;
