-- Deploy pgjikan:functions/search/popularity to pg
-- requires: schema/namespaces

-- How popular an anime is, on one scale for all that ranks by it: the order of the search indexes
-- and the rank of a hit.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.popularity_weight(members integer, score numeric)
RETURNS real
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT least(
        greatest(
            -- 3 * score - 7.3 is what the members of MyAnimeList's anime of that score come to.
            3 * popularity_weight.score::float8 - 9.3,
            ln(1 + greatest(popularity_weight.members, 0)::float8) / ln(2::float8),
            8
        ),
        21
    )::real;
END;

COMMENT ON FUNCTION jikan_sync.popularity_weight(integer, numeric) IS
'How popular an anime is, 8 to 21: the binary logarithm of its members. A score stands in where
members are unknown or lag behind, as with new shows.';

CREATE FUNCTION jikan_sync.popularity_share(members integer, score numeric)
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        (jikan_sync.popularity_weight(popularity_share.members, popularity_share.score) - 8)::float8
        / 13;
END;

COMMENT ON FUNCTION jikan_sync.popularity_share(integer, numeric) IS
'How popular an anime is, 0 to 1: `jikan_sync.popularity_weight` between its ends.';

CREATE FUNCTION jikan_sync.popularity_tier(members integer, score numeric)
RETURNS smallint
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        least(
            11 - floor(
                jikan_sync.popularity_weight(popularity_tier.members, popularity_tier.score) / 2
            ),
            6
        )::smallint;
END;

COMMENT ON FUNCTION jikan_sync.popularity_tier(integer, numeric) IS
'The tier of an anime by `jikan_sync.popularity_weight`, 1 (a million members) to 6 (under four
thousand): each has four times the members of the next. A search descends once a tier.';

COMMIT;
