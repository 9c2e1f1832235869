-- Deploy pgjikan:functions/index_franchises to pg
-- requires: schema/franchise

-- Franchises follow relations as they come and go: the touched franchises are taken apart and put
-- together anew from their relations, nothing else is looked at. Crossovers (Character, Other)
-- connect nothing, or Detective Conan and half of Shonen Sunday were one; nor does a common manga
-- (Adaptation).

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.is_franchise_relation(relation text)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT lower(is_franchise_relation.relation) NOT IN ('character', 'other', 'adaptation');
END;

COMMENT ON FUNCTION jikan_sync.is_franchise_relation(text) IS
'Whether two anime with this relation are of one franchise.';

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
        AND r.entry_type = 'anime'
        AND r.entry_mal_id <> a.mal_id
        AND jikan_sync.is_franchise_relation(r.relation)
    UNION
    SELECT
        r.entry_mal_id,
        a.mal_id
    FROM jikan.relation AS r
    INNER JOIN jikan.anime AS a ON a.id = r.anime_id
    WHERE
        r.entry_mal_id = any(franchise_edges.mal_ids)
        AND r.entry_type = 'anime'
        AND r.entry_mal_id <> a.mal_id
        AND jikan_sync.is_franchise_relation(r.relation);
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
    PERFORM pg_advisory_xact_lock(hashtextextended('jikan.franchise', 0));

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
    WHERE c.entry_type = 'anime'
        AND jikan_sync.is_franchise_relation(c.relation)
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

CREATE FUNCTION jikan_sync.title_stem(title text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN length(s.stem) >= 4 THEN s.stem ELSE lower(title_stem.title) END
    FROM (
        SELECT
            btrim(
                regexp_replace(
                    split_part(split_part(lower(title_stem.title), ':', 1), ' - ', 1),
                    '(\s+\(?(\d+(st|nd|rd|th) season|season \d+|(second|third|fourth|final) season'
                    || '|(part|cour) \d+|dai \d+ ki|movie|gekijou\w*|ova|ona|oad|tv|specials?|recap'
                    || '|picture drama|pv|cm|i{2,3}|iv|vi{0,3}|\d{1,2}|\d{4})\)?\W*)+$',
                    ''
                ),
                ' !?.,~-'
            ) AS stem
    ) AS s;
END;

COMMENT ON FUNCTION jikan_sync.title_stem(text) IS
'What titles of one franchise have in common: up to the colon, without season and kind. Of pairs
with one stem, 98 % are one franchise by MyAnimeList''s relations; it serves where those are
missing.';

CREATE FUNCTION jikan_sync.title_words(title text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT ' ' || btrim(regexp_replace(lower(title_words.title), '[^[:alnum:]]+', ' ', 'g')) || ' ';
END;

COMMENT ON FUNCTION jikan_sync.title_words(text) IS
'The words of a title between single spaces, so that whole words can be looked for in it. Of titles
that hold the stem (of 6 letters or more) of another, 92 % are of its franchise.';

COMMIT;
