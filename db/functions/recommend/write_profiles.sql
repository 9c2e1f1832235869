-- Deploy pgjikan:functions/recommend/write_profiles to pg
-- requires: functions/recommend/trait_vector
-- requires: functions/recommend/title_stem
-- requires: schema/findable

-- Profiles follow the mirror by themselves. Only a change that moves what goes with a title asks
-- for its neighbours to be reckoned anew: members and scores move a little every day.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.write_profiles(anime_ids bigint[])
RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count integer;
BEGIN
    -- What it goes with may have it in its list.
    WITH gone AS (
        DELETE FROM jikan.profile AS p
        USING jikan.anime AS a
        WHERE p.anime_id = ANY (anime_ids)
            AND a.id = p.anime_id
            AND (a.removed_at IS NOT NULL OR a.approved IS FALSE)
        RETURNING p.anime_id
    )

    INSERT INTO jikan_sync.neighbour_wish (mal_id)
    SELECT m.mal_id
    FROM gone AS g
    INNER JOIN jikan.neighbour AS n ON n.anime_id = g.anime_id
    CROSS JOIN LATERAL unnest(n.mal_ids) AS m (mal_id);

    WITH made AS (
        SELECT
            a.id,
            a.mal_id,
            coalesce(a.members, 0) AS members,
            f.year,
            a.is_nsfw,
            f.is_approved,
            (log(1 + coalesce(a.members, 0)) / 6.5)::real AS popularity,
            log((1 + coalesce(a.favorites, 0)) / (1000.0 + coalesce(a.members, 0)))::real AS love,
            coalesce((a.score - 6.5) / 10, 0)::real AS rating,
            a.embedding_hash,
            a.score,
            a.type,
            a.status,
            -- Ten times what any title has; more does not fit into an index.
            CASE WHEN pg_column_size(a.genre_names) <= 1500 THEN a.genre_names ELSE '{}' END
                AS genre_names,
            jikan_sync.title_stem(anime.plain_text(f.title)) AS stem,
            jikan_sync.title_stem(anime.plain_text(f.title_english)) AS stem_english,
            jikan_sync.title_words(
                concat_ws(' / ', anime.plain_text(f.title), anime.plain_text(f.title_english))
            ) AS words,
            jikan_sync.trait_vector(a.genre_names, a.studio_names, a.type, a.source, a.rating)
                AS traits,
            t.anime_count AS counted
        FROM jikan.anime AS a
        INNER JOIN jikan_sync.findable AS f ON f.id = a.id
        CROSS JOIN (
            SELECT c.anime_count
            FROM jikan_sync.trait AS c
            WHERE c.kind = 'genre'
                AND c.name = ''
        ) AS t
        WHERE a.id = ANY (anime_ids)
            AND f.is_approved
    ),

    old AS MATERIALIZED (
        SELECT p.* FROM jikan.profile AS p WHERE p.anime_id = ANY (anime_ids)
    ),

    written AS (
        INSERT INTO jikan.profile AS p (
            anime_id, mal_id, members, year, is_nsfw, is_approved, popularity, love, rating,
            embedding_hash, score, type, status, genre_names, stem, stem_english, words, traits,
            counted
        )
        SELECT
            m.id, m.mal_id, m.members, m.year, m.is_nsfw, m.is_approved, m.popularity, m.love,
            m.rating, m.embedding_hash, m.score, m.type, m.status, m.genre_names, m.stem,
            m.stem_english, m.words, m.traits, m.counted
        FROM made AS m
        ORDER BY m.id
        ON CONFLICT (anime_id) DO UPDATE SET
            mal_id = excluded.mal_id,
            members = excluded.members,
            year = excluded.year,
            is_nsfw = excluded.is_nsfw,
            is_approved = excluded.is_approved,
            popularity = excluded.popularity,
            love = excluded.love,
            rating = excluded.rating,
            embedding_hash = excluded.embedding_hash,
            score = excluded.score,
            type = excluded.type,
            status = excluded.status,
            genre_names = excluded.genre_names,
            stem = excluded.stem,
            stem_english = excluded.stem_english,
            words = excluded.words,
            traits = excluded.traits,
            counted = excluded.counted
        WHERE (
            p.members, p.year, p.is_nsfw, p.is_approved, p.popularity, p.love, p.rating,
            p.embedding_hash, p.score, p.type, p.status, p.genre_names, p.stem, p.stem_english,
            p.words, p.traits::text
        ) IS DISTINCT FROM (
            excluded.members, excluded.year, excluded.is_nsfw, excluded.is_approved,
            excluded.popularity, excluded.love, excluded.rating, excluded.embedding_hash,
            excluded.score, excluded.type, excluded.status, excluded.genre_names, excluded.stem,
            excluded.stem_english, excluded.words, excluded.traits::text
        )
        RETURNING p.*
    ),

    come AS (
        INSERT INTO jikan_sync.newcomer (anime_id)
        SELECT w.anime_id
        FROM written AS w
        WHERE NOT EXISTS (SELECT FROM old AS o WHERE o.anime_id = w.anime_id)
    ),

    wished AS (
        INSERT INTO jikan_sync.neighbour_wish (mal_id)
        SELECT w.mal_id
        FROM written AS w
        LEFT JOIN old AS o ON o.anime_id = w.anime_id
        WHERE o.anime_id IS NULL
            OR (w.year, w.is_nsfw, w.stem, w.words, w.traits::text)
            IS DISTINCT FROM (o.year, o.is_nsfw, o.stem, o.words, o.traits::text)
            OR abs(w.popularity - o.popularity) > 0.02
            OR abs(w.rating - o.rating) > 0.02
    )

    SELECT count(*)::integer INTO v_count FROM written;
    RETURN v_count;
END;
$$;

COMMENT ON FUNCTION jikan_sync.write_profiles(bigint[]) IS
'Makes `jikan.profile` of these anime right; how many rows that changed.';

CREATE FUNCTION jikan_sync.tg_write_profiles()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_anime_ids bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(n.id) INTO v_anime_ids FROM new_row AS n;
    ELSE
        SELECT array_agg(n.id)
        INTO v_anime_ids
        FROM new_row AS n
        INNER JOIN old_row AS o ON o.id = n.id
        WHERE (
            n.embedding_hash, n.members, n.favorites, n.score, n.type, n.status, n.source,
            n.rating, n.year, n.aired_from, n.removed_at, n.approved
        ) IS DISTINCT FROM (
            o.embedding_hash, o.members, o.favorites, o.score, o.type, o.status, o.source,
            o.rating, o.year, o.aired_from, o.removed_at, o.approved
        );
    END IF;
    IF v_anime_ids IS NOT NULL THEN
        PERFORM jikan_sync.write_profiles(v_anime_ids);
    END IF;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_write_profiles() IS
'Keeps `jikan.profile` in step with anime that are new or changed. Titles, genres and studios are in
the hash of the text.';

CREATE TRIGGER write_profiles_of_new
AFTER INSERT ON jikan.anime
REFERENCING NEW TABLE AS new_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_write_profiles();

CREATE TRIGGER write_profiles_of_changed
AFTER UPDATE ON jikan.anime
REFERENCING OLD TABLE AS old_row NEW TABLE AS new_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_write_profiles();

COMMIT;
