-- Deploy pgjikan:functions/search/search_franchise to pg
-- requires: functions/search/search_titles
-- requires: functions/search/search_spelling

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
    c_fewest CONSTANT integer := 8;
    c_most CONSTANT integer := 200;
    -- 0.15 is a quarter of the members: jikan_sync.popularity_share.
    c_less CONSTANT double precision := 0.15;
    v_filter CONSTANT jikan_sync.face_filter := q.filter;
    v_ids bigint[];
    v_first bigint;
BEGIN
    IF NOT jikan_sync.is_word(q.words) AND octet_length(q.words) = length(q.words) THEN
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
    SELECT h.anime_id INTO v_first FROM unnest(hits) AS h ORDER BY h.rank DESC LIMIT 1;
    RETURN ARRAY(
        SELECT (
            t.id,
            anime.plain_text(t.title),
            'prefix', (SELECT max(h.rank) FROM unnest(hits) AS h) + 0.001
        )::jikan_sync.search_hit
        FROM (
            SELECT
                a.id,
                a.title,
                a.type,
                a.year,
                p.share,
                max(p.share) OVER () AS most,
                count(*) FILTER (WHERE a.id = v_first) OVER () > 0 AS has_first
            FROM jikan_sync.findable AS a
            CROSS JOIN LATERAL (
                SELECT jikan_sync.popularity_share(a.members, a.score) AS share
            ) AS p
            WHERE a.id = any(v_ids)
                AND (a.type = 'TV' OR a.id = v_first)
                AND EXISTS (
                    SELECT FROM jikan.title AS t
                    WHERE t.anime_id = a.id
                        AND t.type <> 'Synonym'
                        AND (' ' || t.words || ' ') LIKE ('% ' || q.words || ' %')
                )
                AND jikan_sync.admits(v_filter, a)
        ) AS t
        WHERE t.share >= t.most - c_less AND t.has_first AND t.type = 'TV'
        ORDER BY t.year, t.id
        LIMIT 1
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.search_franchise(
    jikan_sync.search_query, jikan_sync.search_hit[]
) IS
'The first series of a franchise whose titles all have the one word of the query, ranked just before
the `hits`; NULL where the word is none of a franchise. What has less than a quarter of the members
of the most popular is not it.';

COMMIT;
