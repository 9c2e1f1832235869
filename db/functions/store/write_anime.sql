-- Deploy pgjikan:functions/store/write_anime to pg
-- requires: schema/anime
-- requires: schema/anime_document
-- requires: schema/setting
-- requires: schema/freshness_policy
-- requires: functions/embeddings/has_current_vector
-- requires: functions/store/document_titles
-- requires: functions/face/plain_text

-- The upsert of the mirror's main table: one statement for any number of documents, writing only
-- rows that differ, and never letting an older document overwrite a newer one. A list page is a
-- query over the provider's own store, up to a day behind /anime/{id}, so it yields to a younger
-- /full document.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES (
    'list_lag',
    '12 hours',
    'interval',
    '0',
    '30 days',
    'A list page fetched within this time after a /full document does not overwrite it: providers '
    'serve lists from a store of their own, which can be older than /anime/{id}.'
);

CREATE FUNCTION jikan_sync.confirmation_step()
RETURNS interval
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT least(interval '1 hour', min(p.max_age) / 24)
    FROM jikan_sync.freshness_policy AS p
    WHERE p.facet = 'core';
END;

COMMENT ON FUNCTION jikan_sync.confirmation_step() IS
'How much older than the truth a row may say it is: a document that changes nothing advances
`last_jikan_sync` only by this or more, so that confirming a row seldom writes it.';

CREATE FUNCTION jikan_sync.write_anime(
    documents jsonb[],
    core_hashes bigint[],
    is_list boolean,
    fetched_at timestamptz
)
RETURNS TABLE (mal_id integer, is_new boolean)
LANGUAGE plpgsql
ROWS 500
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_lag interval := CASE WHEN is_list THEN jikan_sync.setting_interval('list_lag') ELSE '0' END;
    v_step interval := jikan_sync.confirmation_step();
BEGIN
    RETURN QUERY
    INSERT INTO jikan.anime AS a (
        mal_id, url, images, trailer, approved, titles, title, title_english, title_japanese,
        title_synonyms, type, source, episodes, status, airing, aired, aired_from, aired_to,
        duration, rating, score, scored_by, rank, popularity, members, favorites, synopsis,
        background, season, year, broadcast, producers, licensors, studios, genres,
        explicit_genres, themes, demographics, genre_names, studio_names, core_hash,
        last_jikan_sync
    )
    SELECT
        d.mal_id, d.url, nullif(d.images, '[]'), nullif(d.trailer, '[]'), d.approved,
        jikan_sync.document_titles(
            d.titles, d.title, d.title_english, d.title_japanese, d.title_synonyms
        ),
        d.title, nullif(d.title_english, ''), nullif(d.title_japanese, ''),
        coalesce(d.title_synonyms, '{}'), d.type, d.source, d.episodes, d.status, d.airing,
        nullif(d.aired, '[]'), (d.aired ->> 'from')::timestamptz, (d.aired ->> 'to')::timestamptz,
        d.duration, d.rating, nullif(d.score, 0), d.scored_by, d.rank, d.popularity, d.members,
        d.favorites, nullif(d.synopsis, ''), d.background, d.season, d.year,
        nullif(d.broadcast, '[]'), coalesce(d.producers, '[]'), coalesce(d.licensors, '[]'),
        coalesce(d.studios, '[]'), coalesce(d.genres, '[]'), coalesce(d.explicit_genres, '[]'),
        coalesce(d.themes, '[]'), coalesce(d.demographics, '[]'),
        coalesce(g.names, '{}'), coalesce(s.names, '{}'),
        e.core_hash,
        write_anime.fetched_at
    FROM unnest(write_anime.documents, write_anime.core_hashes) AS e (document, core_hash)
    CROSS JOIN LATERAL jsonb_populate_record(NULL::jikan_sync.anime_document, e.document) AS d
    CROSS JOIN LATERAL (
        SELECT array_agg(lower(anime.plain_text(n.entry ->> 'name'))) AS names
        FROM jsonb_array_elements(
            coalesce(d.genres, '[]') || coalesce(d.explicit_genres, '[]')
            || coalesce(d.themes, '[]') || coalesce(d.demographics, '[]')
        ) AS n (entry)
        WHERE n.entry ->> 'name' IS NOT NULL
    ) AS g
    CROSS JOIN LATERAL (
        SELECT array_agg(anime.plain_text(n.entry ->> 'name')) AS names
        FROM jsonb_array_elements(coalesce(d.studios, '[]')) AS n (entry)
        WHERE n.entry ->> 'name' IS NOT NULL
    ) AS s
    ORDER BY d.mal_id
    ON CONFLICT (mal_id) DO UPDATE SET
        url = excluded.url,
        images = excluded.images,
        trailer = excluded.trailer,
        approved = excluded.approved,
        titles = excluded.titles,
        title = excluded.title,
        title_english = excluded.title_english,
        title_japanese = excluded.title_japanese,
        title_synonyms = excluded.title_synonyms,
        type = excluded.type,
        source = excluded.source,
        episodes = excluded.episodes,
        status = excluded.status,
        airing = excluded.airing,
        aired = excluded.aired,
        aired_from = excluded.aired_from,
        aired_to = excluded.aired_to,
        duration = excluded.duration,
        rating = excluded.rating,
        score = excluded.score,
        scored_by = excluded.scored_by,
        rank = excluded.rank,
        popularity = excluded.popularity,
        members = excluded.members,
        favorites = excluded.favorites,
        -- The same text stays as it lies, compressed or beside the table: to the index on it a copy
        -- would be another.
        synopsis = CASE
            WHEN a.synopsis = excluded.synopsis THEN a.synopsis ELSE excluded.synopsis
        END,
        background = excluded.background,
        season = excluded.season,
        year = excluded.year,
        broadcast = excluded.broadcast,
        producers = excluded.producers,
        licensors = excluded.licensors,
        studios = excluded.studios,
        genres = excluded.genres,
        explicit_genres = excluded.explicit_genres,
        themes = excluded.themes,
        demographics = excluded.demographics,
        genre_names = excluded.genre_names,
        studio_names = excluded.studio_names,
        core_hash = excluded.core_hash,
        last_jikan_sync = excluded.last_jikan_sync,
        changed_at = CASE
            WHEN a.core_hash = excluded.core_hash THEN a.changed_at ELSE excluded.last_jikan_sync
        END,
        sync_status = CASE
            WHEN jikan_sync.has_current_vector(a.id, excluded.embedding_hash) THEN 'fresh'
            ELSE 'pending_embeddings'
        END,
        missing_count = 0,
        first_missing_at = NULL,
        last_missing_at = NULL,
        removed_at = NULL
    WHERE excluded.last_jikan_sync >= a.last_jikan_sync
        AND excluded.last_jikan_sync >= coalesce(
            jikan_sync.later(greatest(a.full_synced_at, a.last_missing_at), v_lag), '-infinity'
        )
        AND (
            a.core_hash <> excluded.core_hash
            OR a.sync_status = 'stale'
            OR a.missing_count > 0
            OR excluded.last_jikan_sync >= jikan_sync.later(a.last_jikan_sync, v_step)
        )
    RETURNING a.mal_id, a.xmax = 0;
END;
$$;

COMMENT ON FUNCTION jikan_sync.write_anime(jsonb[], bigint[], boolean, timestamptz) IS
'Upserts the core of sound documents of distinct mal_id and returns the rows written.
`core_hashes` beside `documents`. The way in is `jikan_sync.store_anime`.
Raises: whatever a value raises that does not fit its column (classes 22 and 23).';

COMMIT;
