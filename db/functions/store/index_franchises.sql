-- Deploy pgjikan:functions/store/index_franchises to pg
-- requires: schema/franchise
-- requires: schema/mutex

-- Franchises follow relations as they come and go: the touched franchises are taken apart and put
-- together anew from their relations, nothing else is looked at. Crossovers (Character, Other)
-- connect nothing, or Detective Conan and half of Shonen Sunday were one; nor does a common manga
-- (Adaptation).

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.is_franchise_relation(
    relation text,
    entry_type text,
    entry_mal_id integer
)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        is_franchise_relation.entry_type = 'anime'
        -- 0 is what an upstream says of an entry that it cannot tell: not one, but many.
        AND is_franchise_relation.entry_mal_id > 0
        AND lower(is_franchise_relation.relation) NOT IN ('character', 'other', 'adaptation');
END;

COMMENT ON FUNCTION jikan_sync.is_franchise_relation(text, text, integer) IS
'Whether an anime with this relation is of one franchise with the entry.';

CREATE FUNCTION jikan_sync.franchise_edges(mal_ids integer[])
RETURNS TABLE (mal_id integer, other_mal_id integer)
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        a.mal_id,
        r.entry_mal_id
    FROM jikan.anime AS a
    INNER JOIN jikan.relation AS r ON r.anime_id = a.id
    WHERE
        a.mal_id = any(franchise_edges.mal_ids)
        AND r.entry_mal_id <> a.mal_id
        AND jikan_sync.is_franchise_relation(r.relation, r.entry_type, r.entry_mal_id)
    UNION
    SELECT
        r.entry_mal_id,
        a.mal_id
    FROM jikan.relation AS r
    INNER JOIN jikan.anime AS a ON a.id = r.anime_id
    WHERE
        r.entry_mal_id = any(franchise_edges.mal_ids)
        AND r.entry_mal_id <> a.mal_id
        AND jikan_sync.is_franchise_relation(r.relation, r.entry_type, r.entry_mal_id);
END;

COMMENT ON FUNCTION jikan_sync.franchise_edges(integer[]) IS
'What relations connect these anime to, read in both directions.';

CREATE FUNCTION jikan_sync.index_franchises(mal_ids integer[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_scope integer[];
    v_ones integer[];
    v_others integer[];
BEGIN
    -- One at a time: two that each connect one half would leave two halves.
    PERFORM FROM jikan_sync.mutex AS m WHERE m.name = 'franchise' FOR NO KEY UPDATE;

    WITH touched AS MATERIALIZED (
        SELECT m.mal_id FROM unnest(mal_ids) AS m (mal_id)
        UNION
        SELECT e.other_mal_id FROM jikan_sync.franchise_edges(mal_ids) AS e
    )

    SELECT array_agg(s.mal_id) INTO v_scope
    FROM (
        SELECT t.mal_id FROM touched AS t
        UNION
        SELECT g.mal_id
        FROM touched AS t
        INNER JOIN jikan.franchise AS f ON f.mal_id = t.mal_id
        INNER JOIN jikan.franchise AS g ON g.franchise_id = f.franchise_id
    ) AS s;

    SELECT array_agg(e.mal_id), array_agg(e.other_mal_id) INTO v_ones, v_others
    FROM jikan_sync.franchise_edges(v_scope) AS e;

    DELETE FROM jikan.franchise AS f WHERE f.mal_id = ANY (v_scope);
    INSERT INTO jikan.franchise (mal_id, franchise_id)
    SELECT e.one, least(e.one, min(e.other))
    FROM unnest(v_ones, v_others) AS e (one, other)
    GROUP BY e.one;

    -- The smallest id wanders along the relations until it is everyone's.
    LOOP
        UPDATE jikan.franchise AS f
        SET franchise_id = better.franchise_id
        FROM (
            SELECT e.one, min(least(o.franchise_id, p.franchise_id)) AS franchise_id
            FROM unnest(v_ones, v_others) AS e (one, other)
            INNER JOIN jikan.franchise AS o ON o.mal_id = e.other
            LEFT JOIN jikan.franchise AS p ON p.mal_id = o.franchise_id
            GROUP BY e.one
        ) AS better
        WHERE f.mal_id = better.one
            AND f.franchise_id > better.franchise_id;
        EXIT WHEN NOT FOUND;
    END LOOP;
END;
$$;

COMMENT ON FUNCTION jikan_sync.index_franchises(integer[]) IS
'Makes `jikan.franchise` right again for anime whose relations changed.';

CREATE FUNCTION jikan_sync.tg_index_franchise()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_mal_ids integer[];
BEGIN
    SELECT array_agg(DISTINCT i.mal_id) INTO v_mal_ids
    FROM changed_row AS c
    LEFT JOIN jikan.anime AS a ON a.id = c.anime_id
    CROSS JOIN LATERAL (VALUES (a.mal_id), (c.entry_mal_id)) AS i (mal_id)
    WHERE jikan_sync.is_franchise_relation(c.relation, c.entry_type, c.entry_mal_id)
        AND i.mal_id IS NOT NULL;
    IF v_mal_ids IS NOT NULL THEN
        PERFORM jikan_sync.index_franchises(v_mal_ids);
    END IF;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_index_franchise() IS
'Keeps `jikan.franchise` in step with relations that were inserted or deleted.';

CREATE TRIGGER index_new_franchise
AFTER INSERT ON jikan.relation
REFERENCING NEW TABLE AS changed_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_index_franchise();

CREATE TRIGGER index_old_franchise
AFTER DELETE ON jikan.relation
REFERENCING OLD TABLE AS changed_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_index_franchise();

COMMIT;
