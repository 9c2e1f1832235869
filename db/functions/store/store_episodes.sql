-- Deploy pgjikan:functions/store/store_episodes to pg
-- requires: schema/episode
-- requires: functions/freshness/ledger
-- requires: schema/rejected_document
-- requires: functions/store/json_list
-- requires: functions/store/iso_time

-- The episodes facet: all pages in one list. Only rows that differ are written; what does not fit
-- is rejected by itself.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.is_episode(document jsonb)
RETURNS boolean
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        CASE
            WHEN NOT pg_input_is_valid(coalesce(is_episode.document ->> 'mal_id', ''), 'integer')
                THEN FALSE
            WHEN (is_episode.document ->> 'mal_id')::integer < 0 THEN FALSE
            WHEN
                NOT pg_input_is_valid(
                    coalesce(is_episode.document ->> 'score', '0'), 'numeric(4,2)'
                )
                THEN FALSE
            -- NaN is beyond any number.
            WHEN (is_episode.document ->> 'score')::numeric NOT BETWEEN 0 AND 10 THEN FALSE
            ELSE
                pg_input_is_valid(coalesce(is_episode.document ->> 'filler', 'f'), 'boolean')
                AND pg_input_is_valid(coalesce(is_episode.document ->> 'recap', 'f'), 'boolean')
                AND (
                    is_episode.document ->> 'aired' IS NULL
                    OR jikan_sync.iso_time(is_episode.document ->> 'aired') IS NOT NULL
                )
        END;
END;

COMMENT ON FUNCTION jikan_sync.is_episode(jsonb) IS
'Whether `document` is an entry of /anime/{id}/episodes: numbered, with a date in ISO 8601 and a
score from 0 to 10 where it has those.';

CREATE FUNCTION jikan_sync.store_episodes(
    mal_id integer,
    documents jsonb,
    fetched_at timestamptz DEFAULT NULL
)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_anime_id bigint;
BEGIN
    IF documents IS NULL OR jsonb_typeof(documents) <> 'array' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'documents must be a JSON array of episodes',
            HINT = 'Pass the `data` of /anime/{id}/episodes.';
    END IF;
    SELECT a.id INTO v_anime_id
    FROM jikan.anime AS a
    WHERE a.mal_id = store_episodes.mal_id
    FOR KEY SHARE;
    IF NOT jikan_sync.note_stored(
        'episodes',
        mal_id,
        coalesce(least(fetched_at, jikan_sync.clock_now()), jikan_sync.clock_now())
    ) THEN
        RETURN false;
    END IF;

    PERFORM jikan_sync.reject_document(
        'episodes', store_episodes.mal_id, 'is no episode', d.document::text
    )
    FROM jsonb_array_elements(documents) AS d (document)
    WHERE NOT jikan_sync.is_episode(d.document);

    WITH fit AS MATERIALIZED (
        SELECT DISTINCT ON ((d.document ->> 'mal_id')::integer)
            (d.document ->> 'mal_id')::integer AS number,
            d.document
        FROM jsonb_array_elements(documents) WITH ORDINALITY AS d (document, place)
        WHERE jikan_sync.is_episode(d.document)
        ORDER BY (d.document ->> 'mal_id')::integer, d.place
    ),

    gone AS (
        DELETE FROM jikan.episode AS e
        WHERE e.anime_id = v_anime_id
            AND e.number NOT IN (SELECT f.number FROM fit AS f)
    )

    INSERT INTO jikan.episode AS e (
        anime_id, number, title, title_japanese, title_romanji, aired_at, score, is_filler,
        is_recap, url, forum_url
    )
    SELECT
        v_anime_id,
        f.number,
        f.document ->> 'title',
        f.document ->> 'title_japanese',
        f.document ->> 'title_romanji',
        jikan_sync.iso_time(f.document ->> 'aired'),
        (f.document ->> 'score')::numeric,
        (f.document ->> 'filler')::boolean,
        (f.document ->> 'recap')::boolean,
        f.document ->> 'url',
        f.document ->> 'forum_url'
    FROM fit AS f
    ORDER BY f.number
    ON CONFLICT ON CONSTRAINT episode_pkey DO UPDATE SET
        title = excluded.title,
        title_japanese = excluded.title_japanese,
        title_romanji = excluded.title_romanji,
        aired_at = excluded.aired_at,
        score = excluded.score,
        is_filler = excluded.is_filler,
        is_recap = excluded.is_recap,
        url = excluded.url,
        forum_url = excluded.forum_url
    WHERE (
        e.title, e.title_japanese, e.title_romanji, e.aired_at, e.score, e.is_filler, e.is_recap,
        e.url, e.forum_url
    ) IS DISTINCT FROM (
        excluded.title, excluded.title_japanese, excluded.title_romanji, excluded.aired_at,
        excluded.score, excluded.is_filler, excluded.is_recap, excluded.url, excluded.forum_url
    );
    RETURN true;
END;
$$;

COMMENT ON FUNCTION jikan_sync.store_episodes(integer, jsonb, timestamptz) IS
'Makes the episodes of an anime what `documents` lists (the `data` of all pages of
/anime/{id}/episodes). What is no episode is in `jikan_sync.rejected_document`. False where the
anime is not mirrored or has younger episodes. Raises: 22023 (no array).';

UPDATE jikan_sync.facet SET store = 'jikan_sync.store_episodes'
WHERE name = 'episodes';

COMMIT;
