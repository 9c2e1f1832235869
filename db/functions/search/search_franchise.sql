-- Deploy pgjikan:functions/search/search_franchise to pg
-- requires: functions/search/search_titles
-- requires: functions/search/correct_words

-- "gundam" is no title, it is in the titles of a franchise, and who types nothing else wants to be
-- shown where it begins: its first series, even if later ones became more popular.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.search_franchise(
    q jikan_sync.search_query,
    hits jikan_sync.search_hit[]
)
RETURNS jikan_sync.search_hit[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- A word of fewer titles is no franchise, one of more is a word like "love".
    c_fewest CONSTANT integer := 20;
    c_most CONSTANT integer := 200;
    -- 0.07 is half of the members, nearly: jikan_sync.popularity_share. What is more popular than
    -- twice the first of its kind is likely another kind: "demon", "kimi".
    c_less CONSTANT double precision := float8 '0.07';
    v_filter CONSTANT jikan_sync.face_filter := q.filter;
    v_ids bigint[];
    v_first jikan_sync.search_hit;
BEGIN
    IF octet_length(q.words) = length(q.words) AND NOT jikan_sync.is_word(q.words) THEN
        RETURN NULL;
    END IF;
    v_ids := ARRAY(
        SELECT w.anime_id
        FROM jikan_sync.find_word(q.seed, q.seed || chr(1), c_most) AS w
        UNION
        SELECT k.anime_id
        FROM jikan_sync.find_key(q.key, q.key || U&'\+10FFFF', c_most) AS k
        WHERE (k.words || ' ') LIKE (q.words || ' %')
    );
    IF cardinality(v_ids) NOT BETWEEN c_fewest AND c_most THEN
        RETURN NULL;
    END IF;
    -- "beast" is the beginning of BEASTARS before it is a word of other titles.
    SELECT h.* INTO v_first FROM unnest(hits) AS h ORDER BY h.rank DESC LIMIT 1;
    RETURN ARRAY(
        SELECT (t.id, t.matched, 'prefix', v_first.rank + 0.001)::jikan_sync.search_hit
        FROM (
            SELECT
                a.id,
                a.type,
                a.year,
                m.matched,
                m.key,
                -- As a name goes: Kidou Senshi Gundam, Fate/stay night. No English one, in which a
                -- word like "black" or "your" is no name.
                m.words LIKE (q.words || ' %') OR m.words LIKE ('% ' || q.words) AS is_name,
                a.popularity_share AS share,
                max(a.popularity_share) OVER () AS most,
                max(a.popularity_share) FILTER (WHERE a.id = v_first.anime_id) OVER () AS first_share
            FROM jikan_sync.findable AS a
            INNER JOIN LATERAL (
                SELECT i.title AS matched, i.words, i.key
                FROM jikan.title AS i
                WHERE i.anime_id = a.id
                    AND i.type IN ('Default', 'Japanese')
                    AND (' ' || i.words || ' ') LIKE ('% ' || q.words || ' %')
                ORDER BY i.position
                LIMIT 1
            ) AS m ON true
            WHERE a.id = ANY (v_ids)
                AND (a.type = 'TV' OR a.id = v_first.anime_id)
                AND jikan_sync.admits(v_filter, a)
        ) AS t
        WHERE t.share >= t.most - c_less
            AND t.first_share >= t.most - 3 * c_less
            AND t.is_name
            AND t.type = 'TV'
            -- A franchise grew from it: other titles go on where this one ends.
            AND 3 < (
                SELECT count(DISTINCT f.anime_id)
                FROM jikan_sync.find_key(t.key, t.key || U&'\+10FFFF', 60) AS f
            )
        ORDER BY t.year, t.id
        LIMIT 1
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_franchise(
    jikan_sync.search_query, jikan_sync.search_hit[]
) IS
'The first series of a franchise whose titles all have the one word of the query, ranked just before
the `hits`; NULL where the word is none of a franchise. What has less than half of the members of
the most popular is not it.';

COMMIT;
