-- Deploy pgjikan:functions/recommend/neighbour_weight to pg
-- requires: schema/neighbour
-- requires: schema/setting

-- What each sign that two titles go together is worth. Fitted by bench/fit_recommend.py, which says
-- what each adds; the scale is free, one vote is worth 9.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES
(
    'neighbour_vote_weight',
    '9',
    'number',
    '0',
    '1000',
    'What each doubling of votes for a pair is worth.'
),
(
    'neighbour_franchise_vote_weight',
    '1.7',
    'number',
    '0',
    '1000',
    'What each doubling of votes for another title of its franchise is worth.'
),
(
    'neighbour_walk_weight',
    '86',
    'number',
    '0',
    '1000',
    'What it is worth to be where two steps over votes lead, times their probability.'
),
(
    'neighbour_content_walk_weight',
    '43',
    'number',
    '0',
    '1000',
    'What it is worth to be where a step to a title that is alike and one over votes lead, times '
    'their probability.'
),
(
    'neighbour_most_walk_weight',
    '8',
    'number',
    '0',
    '1000',
    'The most that walks are worth together, so that they never beat a vote.'
),
(
    'neighbour_genre_weight',
    '1.7',
    'number',
    '0',
    '1000',
    'What the same genres by rarity are worth (cosine).'
),
(
    'neighbour_rare_genre_weight',
    '0.15',
    'number',
    '0',
    '1000',
    'What each genre in common is worth, times its rarity (logarithm).'
),
(
    'neighbour_studio_weight',
    '7.9',
    'number',
    '0',
    '1000',
    'What each studio in common is worth, over the square root of how many anime it made.'
),
('neighbour_type_weight', '1.5', 'number', '0', '1000', 'What the same type is worth.'),
('neighbour_source_weight', '0.9', 'number', '0', '1000', 'What the same source is worth.'),
('neighbour_rating_weight', '0.4', 'number', '0', '1000', 'What the same age rating is worth.'),
(
    'neighbour_vector_weight',
    '6.4',
    'number',
    '0',
    '1000',
    'What a text that says the same is worth (cosine).'
),
(
    'neighbour_era_weight',
    '1.2',
    'number',
    '0',
    '1000',
    'What the same year is worth; eight years apart a third of it.'
),
(
    'neighbour_popularity_weight',
    '3.3',
    'number',
    '0',
    '1000',
    'What three million members are worth.'
),
(
    'neighbour_love_weight',
    '1.95',
    'number',
    '0',
    '1000',
    'What ten times the favourites for each member are worth.'
),
(
    'neighbour_popularity_gap_weight',
    '1.5',
    'number',
    '0',
    '1000',
    'What it costs that one has three million members and the other none.'
),
(
    'neighbour_score_gap_weight',
    '6.5',
    'number',
    '0',
    '1000',
    'What ten points of score apart cost.'
),
('neighbour_count', '100', 'number', '10', '1000', 'How many neighbours a title keeps.'),
(
    'neighbour_pool',
    '4000',
    'number',
    '100',
    '100000',
    'How many of the most popular titles are looked at for what is alike; the voted for always are.'
);

CREATE FUNCTION jikan_sync.neighbour_weight()
RETURNS TABLE (
    vote double precision,
    franchise_vote double precision,
    walk double precision,
    content_walk double precision,
    most_walk double precision,
    genre double precision,
    rare_genre double precision,
    studio double precision,
    type double precision,
    source double precision,
    rating double precision,
    vector double precision,
    era double precision,
    popularity double precision,
    love double precision,
    popularity_gap double precision,
    score_gap double precision
)
LANGUAGE sql
STABLE
ROWS 1
BEGIN ATOMIC
    -- By whole names: to take the middle out of each for each of these took a millisecond.
    SELECT
        max(s.value::double precision) FILTER (WHERE s.name = 'neighbour_vote_weight'),
        max(s.value::double precision) FILTER (WHERE s.name = 'neighbour_franchise_vote_weight'),
        max(s.value::double precision) FILTER (WHERE s.name = 'neighbour_walk_weight'),
        max(s.value::double precision) FILTER (WHERE s.name = 'neighbour_content_walk_weight'),
        max(s.value::double precision) FILTER (WHERE s.name = 'neighbour_most_walk_weight'),
        max(s.value::double precision) FILTER (WHERE s.name = 'neighbour_genre_weight'),
        max(s.value::double precision) FILTER (WHERE s.name = 'neighbour_rare_genre_weight'),
        max(s.value::double precision) FILTER (WHERE s.name = 'neighbour_studio_weight'),
        max(s.value::double precision) FILTER (WHERE s.name = 'neighbour_type_weight'),
        max(s.value::double precision) FILTER (WHERE s.name = 'neighbour_source_weight'),
        max(s.value::double precision) FILTER (WHERE s.name = 'neighbour_rating_weight'),
        max(s.value::double precision) FILTER (WHERE s.name = 'neighbour_vector_weight'),
        max(s.value::double precision) FILTER (WHERE s.name = 'neighbour_era_weight'),
        max(s.value::double precision) FILTER (WHERE s.name = 'neighbour_popularity_weight'),
        max(s.value::double precision) FILTER (WHERE s.name = 'neighbour_love_weight'),
        max(s.value::double precision) FILTER (WHERE s.name = 'neighbour_popularity_gap_weight'),
        max(s.value::double precision) FILTER (WHERE s.name = 'neighbour_score_gap_weight')
    FROM jikan_sync.setting AS s
    WHERE s.name LIKE 'neighbour\_%\_weight';
END;

COMMENT ON FUNCTION jikan_sync.neighbour_weight() IS
'The settings neighbour_…_weight as one row.';

CREATE FUNCTION jikan_sync.is_recounting()
RETURNS boolean
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT r.is_running FROM jikan_sync.recount AS r;
END;

COMMENT ON FUNCTION jikan_sync.is_recounting() IS
'Whether there are profiles whose traits were made by an earlier count. A store that began before a
count and ends after it is mended by the next run and not waited for.';

CREATE FUNCTION jikan_sync.neighbour_basis()
RETURNS integer
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        hashtext(
            concat_ws(
                ' ',
                (SELECT jikan_sync.active_model_id()),
                (
                    SELECT string_agg(s.name || s.value, ' ' ORDER BY s.name)
                    FROM jikan_sync.setting AS s
                    WHERE
                        s.name LIKE 'neighbour\_%\_weight'
                        OR s.name IN ('neighbour_count', 'neighbour_pool')
                ),
                (SELECT sum(t.anime_count) FROM jikan_sync.trait AS t),
                (SELECT CASE WHEN jikan_sync.is_recounting() THEN 'recounting' END)
            )
        );
END;

COMMENT ON FUNCTION jikan_sync.neighbour_basis() IS
'A number for what all neighbours are reckoned by: active model, weights, how rare traits are and
whether all profiles say so yet. Where it differs from a title''s, that title is to be reckoned
anew.';

CREATE FUNCTION jikan_sync.content_score(
    wanted_traits sparsevec,
    traits sparsevec,
    wanted_embedding halfvec,
    embedding halfvec,
    vector_weight double precision,
    era_weight double precision,
    years integer,
    popularity_gap_weight double precision,
    popularity_gap real,
    score_gap_weight double precision,
    score_gap real,
    popularity_weight double precision,
    popularity real,
    love_weight double precision,
    love real
)
RETURNS double precision
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        jikan_sync.trait_product(content_score.wanted_traits, content_score.traits)
        + content_score.vector_weight
        * coalesce(
            jikan_sync.vector_product(content_score.wanted_embedding, content_score.embedding), 0
        )
        + content_score.era_weight
        * coalesce(exp(-least(abs(content_score.years), 200) / 8.0::float8), 0)
        - content_score.popularity_gap_weight * abs(content_score.popularity_gap)
        - content_score.score_gap_weight * abs(content_score.score_gap)
        + content_score.popularity_weight * content_score.popularity
        + content_score.love_weight * content_score.love;
END;

COMMENT ON FUNCTION jikan_sync.content_score(
    sparsevec, sparsevec, halfvec, halfvec, double precision, double precision, integer,
    double precision, real, double precision, real, double precision, real, double precision, real
) IS
'How well a title goes with another without anyone saying so: what they have in common, less what is
between them, and how well known and loved the candidate is. Inlined where it is called.';

COMMIT;
