-- Deploy pgjikan:functions/recommend/tg_wish_neighbours to pg
-- requires: schema/neighbour
-- requires: schema/franchise

-- A new vector or franchise asks for neighbours to be reckoned anew, by one insert that waits for
-- nobody. Votes and facts ask where they are written.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.tg_wish_neighbours_of_vectors()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO jikan_sync.neighbour_wish (mal_id)
    SELECT p.mal_id
    FROM new_row AS n
    INNER JOIN jikan.profile AS p ON p.anime_id = n.anime_id
    WHERE n.model_id = jikan_sync.active_model_id();
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_wish_neighbours_of_vectors() IS
'Asks for the neighbours of anime that got a vector of the active model.';

CREATE TRIGGER wish_neighbours_of_new
AFTER INSERT ON jikan.embedding
REFERENCING NEW TABLE AS new_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_wish_neighbours_of_vectors();

CREATE TRIGGER wish_neighbours_of_changed
AFTER UPDATE ON jikan.embedding
REFERENCING NEW TABLE AS new_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_wish_neighbours_of_vectors();

CREATE FUNCTION jikan_sync.tg_wish_neighbours_of_franchise()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO jikan_sync.neighbour_wish (mal_id)
    SELECT p.mal_id
    FROM changed_row AS c
    INNER JOIN jikan.profile AS p ON p.mal_id = c.mal_id;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_wish_neighbours_of_franchise() IS
'Asks for the neighbours of anime whose franchise was put together anew.';

CREATE TRIGGER wish_neighbours_of_new
AFTER INSERT ON jikan.franchise
REFERENCING NEW TABLE AS changed_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_wish_neighbours_of_franchise();

CREATE TRIGGER wish_neighbours_of_old
AFTER DELETE ON jikan.franchise
REFERENCING OLD TABLE AS changed_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_wish_neighbours_of_franchise();

COMMIT;
