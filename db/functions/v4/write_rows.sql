-- Deploy pgjikan:functions/v4/write_rows to pg
-- requires: schema/v4_row
-- requires: schema/v4_route

-- How an anime becomes a row of the Jikan v4 API: its document as JSON text with Jikan's order of
-- keys and its way of writing numbers, and its tags. Set-based, for new rows and for those that
-- changed.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.json_text(value text)
RETURNS text
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(to_json(json_text.value)::text, 'null');
END;

COMMENT ON FUNCTION jikan_sync.json_text(text) IS '`value` as a JSON string; null where NULL.';

CREATE FUNCTION jikan_sync.json_at(document jsonb, path text[])
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce((json_at.document #> json_at.path)::text, 'null');
END;

COMMENT ON FUNCTION jikan_sync.json_at(jsonb, text[]) IS
'The scalar at `path` of `document` as JSON text; null where there is none.';

CREATE FUNCTION jikan_sync.images_text(images jsonb)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        '{"jpg":{"image_url":' || jikan_sync.json_at(images_text.images, '{jpg,image_url}')
        || ',"small_image_url":'
        || jikan_sync.json_at(images_text.images, '{jpg,small_image_url}')
        || ',"large_image_url":'
        || jikan_sync.json_at(images_text.images, '{jpg,large_image_url}')
        || '},"webp":{"image_url":' || jikan_sync.json_at(images_text.images, '{webp,image_url}')
        || ',"small_image_url":'
        || jikan_sync.json_at(images_text.images, '{webp,small_image_url}')
        || ',"large_image_url":'
        || jikan_sync.json_at(images_text.images, '{webp,large_image_url}') || '}}';
END;

COMMENT ON FUNCTION jikan_sync.images_text(jsonb) IS
'Jikan''s images object as JSON text in Jikan''s order of keys.';

CREATE FUNCTION jikan_sync.entries_text(list jsonb)
RETURNS text
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN entries_text.list = '[]' THEN '[]'
        ELSE (
            SELECT
                '[' || string_agg(
                    '{"mal_id":' || coalesce(e.mal_id::text, 'null')
                    || ',"type":' || jikan_sync.json_text(e.type)
                    || ',"name":' || jikan_sync.json_text(e.name)
                    || ',"url":' || jikan_sync.json_text(e.url) || '}',
                    ','
                ) || ']'
            FROM jsonb_to_recordset(entries_text.list)
                AS e (mal_id integer, type text, name text, url text)
        )
    END;
END;

COMMENT ON FUNCTION jikan_sync.entries_text(jsonb) IS
'A list of {mal_id, type, name, url} as JSON text in Jikan''s order of keys.';

CREATE FUNCTION jikan_sync.season_key(year integer, season text, aired_from timestamptz)
RETURNS smallint
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT coalesce(
        season_key.year * 4 + CASE season_key.season
            WHEN 'winter' THEN 0
            WHEN 'spring' THEN 1
            WHEN 'summer' THEN 2
            WHEN 'fall' THEN 3
        END,
        extract(YEAR FROM season_key.aired_from AT TIME ZONE 'UTC') * 4
        + extract(QUARTER FROM season_key.aired_from AT TIME ZONE 'UTC') - 1
    )::smallint;
END;

COMMENT ON FUNCTION jikan_sync.season_key(integer, text, timestamptz) IS
'The season of a premiere, else of the first day on air, as 4 × year + 0 (winter) to 3 (fall).';

CREATE FUNCTION jikan_sync.v4_tag(kind text, number integer)
RETURNS integer
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE v4_tag.kind
        WHEN 'genre' THEN 0
        WHEN 'producer' THEN 10000000
        WHEN 'season' THEN 30000000
        WHEN 'letter' THEN 40000000
        WHEN 'score' THEN 50000000
        WHEN 'aired_from' THEN 51000000
        WHEN 'aired_to' THEN 52000000
    END + CASE WHEN v4_tag.number BETWEEN 0 AND 9999999 THEN v4_tag.number ELSE 9999999 END;
END;

COMMENT ON FUNCTION jikan_sync.v4_tag(text, integer) IS
'The tag of rows that have a genre (of any of the four lists), a producer (or licensor, or studio),
a season, or a title that begins with a letter, by its number. Those of words are in
`jikan_sync.v4_word`. Of score, aired_from and aired_to: the tag of a binary digit of it.';

CREATE FUNCTION jikan_sync.v4_write_rows(anime_ids bigint[])
RETURNS void
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    -- Words of `jikan_sync.v4_word` that no column has as such.
    c_all CONSTANT integer := 20000401;
    c_approved CONSTANT integer := 20000402;
    c_adult CONSTANT integer := 20000403;
    c_kids CONSTANT integer := 20000404;
    c_unknown_day CONSTANT integer := 20000309;
BEGIN
    DELETE FROM jikan.v4_row AS r
    USING jikan.anime AS a
    WHERE r.anime_id = ANY (v4_write_rows.anime_ids)
        AND a.id = r.anime_id
        AND a.removed_at IS NOT NULL;

    -- MERGE and not ON CONFLICT: that would take a slot for each row that is there already.
    MERGE INTO jikan.v4_row AS r
    USING (
        SELECT
            d.*,
            hashtextextended(d.document, 0) AS version
        FROM (
            SELECT
                a.id,
                a.mal_id,
                a.title,
                (a.aired_from AT TIME ZONE 'UTC')::date AS aired_from,
                (a.aired_to AT TIME ZONE 'UTC')::date AS aired_to,
                a.episodes,
                (a.score * 100)::smallint AS score,
                a.scored_by,
                a.rank,
                a.popularity,
                a.members,
                a.favorites,
                k.season_key,
                array_remove(
                    ARRAY[
                        c_all,
                        CASE WHEN a.approved IS NOT FALSE THEN c_approved END,
                        CASE WHEN a.is_nsfw THEN c_adult END,
                        CASE WHEN 'kids' = ANY (a.genre_names) THEN c_kids END,
                        type_word.tag,
                        status_word.tag,
                        rating_word.tag,
                        coalesce(day_word.tag, c_unknown_day),
                        jikan_sync.v4_tag('season', k.season_key),
                        jikan_sync.v4_tag('letter', ascii(lower(left(a.title, 1))))
                    ]
                    || ARRAY(
                        SELECT DISTINCT jikan_sync.v4_tag('genre', e.mal_id)
                        FROM jsonb_to_recordset(
                            a.genres || a.explicit_genres || a.themes || a.demographics
                        ) AS e (mal_id integer)
                        WHERE e.mal_id > 0
                    )
                    || ARRAY(
                        SELECT DISTINCT jikan_sync.v4_tag('producer', e.mal_id)
                        FROM jsonb_to_recordset(a.producers || a.licensors || a.studios)
                            AS e (mal_id integer)
                        WHERE e.mal_id > 0
                    ),
                    NULL
                ) AS tags,
                concat(
                    '{"mal_id":', a.mal_id,
                    ',"url":', jikan_sync.json_text(a.url),
                    ',"images":', jikan_sync.images_text(k.images),
                    ',"trailer":{"youtube_id":', jikan_sync.json_at(k.trailer, '{youtube_id}'),
                    ',"url":', jikan_sync.json_at(k.trailer, '{url}'),
                    ',"embed_url":', jikan_sync.json_at(k.trailer, '{embed_url}'),
                    ',"images":{"image_url":', jikan_sync.json_at(k.trailer, '{images,image_url}'),
                    ',"small_image_url":', jikan_sync.json_at(k.trailer,
'{images,small_image_url}'),                     ',"medium_image_url":',
                    jikan_sync.json_at(k.trailer, '{images,medium_image_url}'),
                    ',"large_image_url":', jikan_sync.json_at(k.trailer,
'{images,large_image_url}'),                     ',"maximum_image_url":',
                    jikan_sync.json_at(k.trailer, '{images,maximum_image_url}'),
                    '}},'
                )
                || concat(
                    '"approved":', coalesce(to_json(a.approved)::text, 'true'),
                    ',"titles":[', (
                        SELECT string_agg(
                            '{"type":' || jikan_sync.json_text(t.type)
                            || ',"title":' || jikan_sync.json_text(t.title) || '}',
                            ','
                        )
                        FROM jsonb_to_recordset(a.titles) AS t (type text, title text)
                    ),
                    '],"title":', jikan_sync.json_text(a.title),
                    ',"title_english":', jikan_sync.json_text(a.title_english),
                    ',"title_japanese":', jikan_sync.json_text(a.title_japanese),
                    ',"title_synonyms":', to_json(a.title_synonyms),
                    ',"type":', jikan_sync.json_text(a.type),
                    ',"source":', jikan_sync.json_text(a.source),
                    ',"episodes":', coalesce(a.episodes::text, 'null'),
                    ',"status":', jikan_sync.json_text(a.status),
                    ',"airing":', coalesce(to_json(a.airing)::text, 'false'),
                    ',"aired":{"from":', jikan_sync.json_at(k.aired, '{from}'),
                    ',"to":', jikan_sync.json_at(k.aired, '{to}'),
                    ',"prop":{"from":{"day":', jikan_sync.json_at(k.aired, '{prop,from,day}'),
                    ',"month":', jikan_sync.json_at(k.aired, '{prop,from,month}'),
                    ',"year":', jikan_sync.json_at(k.aired, '{prop,from,year}'),
                    '},"to":{"day":', jikan_sync.json_at(k.aired, '{prop,to,day}'),
                    ',"month":', jikan_sync.json_at(k.aired, '{prop,to,month}'),
                    ',"year":', jikan_sync.json_at(k.aired, '{prop,to,year}'),
                    '}},"string":', jikan_sync.json_at(k.aired, '{string}'),
                    '},'
                )
                || concat(
                    '"duration":', jikan_sync.json_text(a.duration),
                    ',"rating":', jikan_sync.json_text(a.rating),
                    ',"score":', coalesce(trim_scale(a.score)::text, 'null'),
                    ',"scored_by":', coalesce(a.scored_by::text, 'null'),
                    ',"rank":', coalesce(a.rank::text, 'null'),
                    ',"popularity":', coalesce(a.popularity::text, 'null'),
                    ',"members":', coalesce(a.members::text, 'null'),
                    ',"favorites":', coalesce(a.favorites::text, 'null'),
                    ',"synopsis":', jikan_sync.json_text(a.synopsis),
                    ',"background":', jikan_sync.json_text(a.background),
                    ',"season":', jikan_sync.json_text(a.season),
                    ',"year":', coalesce(a.year::text, 'null'),
                    ',"broadcast":{"day":', jikan_sync.json_at(k.broadcast, '{day}'),
                    ',"time":', jikan_sync.json_at(k.broadcast, '{time}'),
                    ',"timezone":', jikan_sync.json_at(k.broadcast, '{timezone}'),
                    ',"string":', jikan_sync.json_at(k.broadcast, '{string}'),
                    '},"producers":', jikan_sync.entries_text(a.producers),
                    ',"licensors":', jikan_sync.entries_text(a.licensors),
                    ',"studios":', jikan_sync.entries_text(a.studios),
                    ',"genres":', jikan_sync.entries_text(a.genres),
                    ',"explicit_genres":', jikan_sync.entries_text(a.explicit_genres),
                    ',"themes":', jikan_sync.entries_text(a.themes),
                    ',"demographics":', jikan_sync.entries_text(a.demographics),
                    '}'
                ) AS document
            FROM jikan.anime AS a
            CROSS JOIN LATERAL (
                SELECT
                    jikan_sync.season_key(a.year, a.season, a.aired_from) AS season_key,
                    -- In memory and plain, once for all that is read of them.
                    a.images || '{}' AS images,
                    a.trailer || '{}' AS trailer,
                    a.aired || '{}' AS aired,
                    a.broadcast || '{}' AS broadcast
                OFFSET 0
            ) AS k
            LEFT JOIN jikan_sync.v4_word AS type_word
                ON type_word.kind = 'type' AND type_word.meaning = a.type
            LEFT JOIN jikan_sync.v4_word AS status_word
                ON status_word.kind = 'status' AND status_word.meaning = a.status
            LEFT JOIN jikan_sync.v4_word AS rating_word
                ON rating_word.kind = 'rating' AND rating_word.meaning = a.rating
            LEFT JOIN jikan_sync.v4_word AS day_word
                ON day_word.kind = 'day'
                AND day_word.meaning = coalesce(
                    a.broadcast ->> 'day',
                    substring(a.broadcast ->> 'string' FROM '^[A-Z][a-z]+days'),
                    a.broadcast ->> 'string'
                )
            WHERE a.id = ANY (v4_write_rows.anime_ids) AND a.removed_at IS NULL
            OFFSET 0  -- or the document would be written once for each place that names it
        ) AS d
        OFFSET 0
    ) AS n
        ON r.anime_id = n.id
    WHEN MATCHED AND (r.version <> n.version OR r.tags <> n.tags) THEN
        UPDATE SET
            version = n.version,
            title = n.title,
            aired_from = n.aired_from,
            aired_to = n.aired_to,
            episodes = n.episodes,
            score = n.score,
            scored_by = n.scored_by,
            rank = n.rank,
            popularity = n.popularity,
            members = n.members,
            favorites = n.favorites,
            season_key = n.season_key,
            tags = n.tags,
            document = n.document
    WHEN NOT MATCHED THEN
        INSERT (
            anime_id, mal_id, version, title, aired_from, aired_to, episodes, score, scored_by,
            rank, popularity, members, favorites, season_key, tags, document
        )
        VALUES (
            n.id, n.mal_id, n.version, n.title, n.aired_from, n.aired_to, n.episodes, n.score,
            n.scored_by, n.rank, n.popularity, n.members, n.favorites, n.season_key, n.tags,
            n.document
        );
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_write_rows(bigint[]) IS
'Makes `jikan.v4_row` right for these anime.';

CREATE FUNCTION jikan_sync.tg_write_v4_rows()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_anime_ids bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(n.id ORDER BY n.id) INTO v_anime_ids FROM new_row AS n;
    ELSE
        -- What a confirmation of freshness changes is not among these.
        SELECT array_agg(n.id ORDER BY n.id)
        INTO v_anime_ids
        FROM new_row AS n
        INNER JOIN old_row AS o ON o.id = n.id
        WHERE n.core_hash <> o.core_hash
            OR (n.removed_at IS NULL) <> (o.removed_at IS NULL)
            OR (
                n.mal_id, n.approved, n.title, n.title_english, n.type, n.episodes, n.status,
                n.aired_from, n.aired_to, n.rating, n.score, n.scored_by, n.rank, n.popularity,
                n.members, n.favorites, n.season, n.year, n.genre_names
            ) IS DISTINCT FROM (
                o.mal_id, o.approved, o.title, o.title_english, o.type, o.episodes, o.status,
                o.aired_from, o.aired_to, o.rating, o.score, o.scored_by, o.rank, o.popularity,
                o.members, o.favorites, o.season, o.year, o.genre_names
            );
    END IF;
    IF v_anime_ids IS NOT NULL THEN
        PERFORM jikan_sync.v4_write_rows(v_anime_ids);
    END IF;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_write_v4_rows() IS
'Keeps `jikan.v4_row` in step with documents that were stored, tombstoned or brought back. After a
change by hand of a column of lists or texts call `jikan_sync.v4_write_rows`.';

CREATE TRIGGER write_v4_rows_of_new
AFTER INSERT ON jikan.anime
REFERENCING NEW TABLE AS new_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_write_v4_rows();

CREATE TRIGGER write_v4_rows_of_changed
AFTER UPDATE ON jikan.anime
REFERENCING OLD TABLE AS old_row NEW TABLE AS new_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_write_v4_rows();

CREATE FUNCTION jikan_sync.tg_note_v4_change()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO jikan_sync.v4_change (slot)
    SELECT c.slot FROM changed_row AS c;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_note_v4_change() IS
'Appends the rows of `jikan.v4_row` that came, changed or went to `jikan_sync.v4_change`.';

CREATE TRIGGER note_new_v4_row
AFTER INSERT ON jikan.v4_row
REFERENCING NEW TABLE AS changed_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_note_v4_change();

CREATE TRIGGER note_changed_v4_row
AFTER UPDATE ON jikan.v4_row
REFERENCING NEW TABLE AS changed_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_note_v4_change();

CREATE TRIGGER note_deleted_v4_row
AFTER DELETE ON jikan.v4_row
REFERENCING OLD TABLE AS changed_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_note_v4_change();

COMMIT;
