-- Deploy pgjikan:functions/face/admits to pg
-- requires: schema/findable
-- requires: functions/face/check_arguments

-- The filters that search, similar, recommend and search_semantic take, as one value, and the one
-- rule of what passes them.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TYPE jikan_sync.face_filter AS (
    types text [],
    statuses text [],
    genres text [],
    year_from integer,
    year_to integer,
    min_score double precision,
    nsfw boolean,
    unapproved boolean,
    is_narrow boolean
);

COMMENT ON TYPE jikan_sync.face_filter IS
'What a caller of the face wants, made by `jikan_sync.make_filter`; a field that is NULL asks for
nothing.';
COMMENT ON COLUMN jikan_sync.face_filter.types IS 'The anime is of one of these types.';
COMMENT ON COLUMN jikan_sync.face_filter.statuses IS 'It has one of these statuses.';
COMMENT ON COLUMN jikan_sync.face_filter.genres IS 'It has all these genres; lower case.';
COMMENT ON COLUMN jikan_sync.face_filter.year_from IS 'First year.';
COMMENT ON COLUMN jikan_sync.face_filter.year_to IS 'Last year.';
COMMENT ON COLUMN jikan_sync.face_filter.min_score IS 'Least score.';
COMMENT ON COLUMN jikan_sync.face_filter.nsfw IS
'Whether adult anime pass; NULL: they do not.';
COMMENT ON COLUMN jikan_sync.face_filter.unapproved IS
'Whether those pass that MyAnimeList has not approved; NULL: they do not.';
COMMENT ON COLUMN jikan_sync.face_filter.is_narrow IS
'Whether any of the others but these two is asked for, so that most may be dropped.';

CREATE FUNCTION jikan_sync.make_filter(
    types text[] DEFAULT NULL,
    statuses text[] DEFAULT NULL,
    genres text[] DEFAULT NULL,
    year_from integer DEFAULT NULL,
    year_to integer DEFAULT NULL,
    min_score double precision DEFAULT NULL,
    nsfw boolean DEFAULT FALSE,
    unapproved boolean DEFAULT FALSE
)
RETURNS jikan_sync.face_filter
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        (
            CASE
                WHEN make_filter.types IS NOT NULL
                    THEN jikan_sync.proper_names(make_filter.types, jikan_sync.known_types())
            END,
            CASE
                WHEN make_filter.statuses IS NOT NULL
                    THEN
                        jikan_sync.proper_names(make_filter.statuses, jikan_sync.known_statuses())
            END,
            lower(make_filter.genres::text)::text[],
            make_filter.year_from,
            make_filter.year_to,
            make_filter.min_score,
            make_filter.nsfw,
            make_filter.unapproved,
            coalesce(make_filter.types, make_filter.statuses, make_filter.genres) IS NOT NULL
            OR coalesce(make_filter.year_from, make_filter.year_to, make_filter.min_score)
            IS NOT NULL
        )::jikan_sync.face_filter;
END;

COMMENT ON FUNCTION jikan_sync.make_filter(
    text[], text[], text[], integer, integer, double precision, boolean, boolean
) IS
'The filters of a call as one value; names in any case. What cannot be meant is refused by
`jikan_sync.check_search`.';

CREATE FUNCTION jikan_sync.admits(filter jikan_sync.face_filter, anime jikan_sync.findable)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        ((admits.filter).nsfw OR NOT (admits.anime).is_nsfw)
        AND ((admits.filter).unapproved OR (admits.anime).is_approved)
        -- Most ask for nothing else, and each look into the filter is dear.
        AND (
            NOT (admits.filter).is_narrow
            OR (
                (
                    (admits.filter).types IS NULL
                    OR (admits.anime).type = any((admits.filter).types)
                )
                AND (
                    (admits.filter).statuses IS NULL
                    OR (admits.anime).status = any((admits.filter).statuses)
                )
                AND (
                    (admits.filter).genres IS NULL
                    OR (admits.anime).genre_names @> (admits.filter).genres
                )
                AND (
                    (admits.filter).min_score IS NULL
                    OR (admits.anime).score >= (admits.filter).min_score
                )
                AND (
                    (admits.filter).year_from IS NULL
                    OR (admits.anime).year >= (admits.filter).year_from
                )
                AND (
                    (admits.filter).year_to IS NULL
                    OR (admits.anime).year <= (admits.filter).year_to
                )
            )
        );
END;

COMMENT ON FUNCTION jikan_sync.admits(jikan_sync.face_filter, jikan_sync.findable) IS
'Whether an anime passes a filter. Inlined where it is called, so that of the row only what is asked
for is read.';

COMMIT;
