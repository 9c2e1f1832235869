-- Deploy pgjikan:schema/v4_route to pg
-- requires: schema/setting

-- The Jikan v4 API as data: its routes, what each takes, the words that stand for values, and what
-- is said to who asks wrongly. Adding a route is a row and a function.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.v4_route (
    pattern text PRIMARY KEY,
    handler text NOT NULL,
    facet text,
    kind text NOT NULL DEFAULT 'one',
    likeness text NOT NULL GENERATED ALWAYS AS (
        regexp_replace(pattern, '\{[a-z]+\}', '%', 'g')
    ) STORED,
    depth integer NOT NULL GENERATED ALWAYS AS (
        length(pattern) - length(replace(pattern, '/', ''))
    ) STORED,
    CONSTRAINT v4_route_pattern_check CHECK (pattern ~ '^(/([a-z]+|\{[a-z]+\}))+$'),
    CONSTRAINT v4_route_kind_check CHECK (kind IN ('one', 'list', 'random'))
);

COMMENT ON TABLE jikan_sync.v4_route IS 'Routes of the Jikan v4 API that the database answers.';
COMMENT ON COLUMN jikan_sync.v4_route.pattern IS 'The path; a part in braces is a parameter.';
COMMENT ON COLUMN jikan_sync.v4_route.handler IS
'The function of jikan_sync that answers it: jikan_sync.v4_request in, jikan_sync.v4_answer out.';
COMMENT ON COLUMN jikan_sync.v4_route.facet IS
'The facet of a title that it gives, where that decides how fresh it is.';
COMMENT ON COLUMN jikan_sync.v4_route.kind IS
'How it may be cached: one (a resource, a day), list (revalidate), random (never).';
COMMENT ON COLUMN jikan_sync.v4_route.likeness IS 'The pattern for LIKE.';
COMMENT ON COLUMN jikan_sync.v4_route.depth IS 'How many parts it has.';

CREATE TABLE jikan_sync.v4_message (
    rule text PRIMARY KEY,
    words text NOT NULL,
    is_recorded boolean NOT NULL
);

COMMENT ON TABLE jikan_sync.v4_message IS
'What a request is told that breaks a rule. {name} is the parameter, {value} what it was given,
{limit}, {least} and {most} are its bounds, {other} is what it is at odds with.';
COMMENT ON COLUMN jikan_sync.v4_message.rule IS 'The rule.';
COMMENT ON COLUMN jikan_sync.v4_message.words IS 'The words.';
COMMENT ON COLUMN jikan_sync.v4_message.is_recorded IS
'Whether Jikan was recorded saying so; else they are the words of the framework that it is made
with.';

INSERT INTO jikan_sync.v4_message (rule, words, is_recorded)
VALUES
('limit', 'Value {value} is higher than the configured ''{most}'' max value.', true),
('integer', 'The {name} must be an integer.', false),
('least', 'The {name} must be at least {least}.', false),
('number', 'The {name} must be a number.', true),
('between', 'The {name} must be between {least} and {most}.', true),
('boolean', 'The {name} field must be true or false.', false),
('word', 'The selected {name} is invalid.', false),
('date', 'The {name} does not match the format Y-m-d.', true),
('length', 'The {name} may not be greater than {most} characters.', false),
('format', 'The {name} format is invalid.', false),
('prohibits', 'The {name} field prohibits {other} from being present.', false),
('at_most', 'The {name} must be less than or equal {other}.', false),
('at_least', 'The {name} must be greater than or equal {other}.', false),
('before', 'The {name} must be a date before or equal to {other}.', false),
('after', 'The {name} must be a date after or equal to {other}.', false);

CREATE TABLE jikan_sync.v4_word (
    kind text NOT NULL,
    word text NOT NULL,
    meaning text NOT NULL,
    tag integer,
    PRIMARY KEY (kind, word),
    CONSTRAINT v4_word_tag_key UNIQUE (tag)
);

CREATE INDEX v4_word_kind_meaning_idx ON jikan_sync.v4_word (kind, meaning);

COMMENT ON TABLE jikan_sync.v4_word IS 'Words that parameters may be, and what they stand for.';
COMMENT ON COLUMN jikan_sync.v4_word.kind IS 'What it is a word for: type, status, rating …';
COMMENT ON COLUMN jikan_sync.v4_word.word IS 'The word in a request.';
COMMENT ON COLUMN jikan_sync.v4_word.meaning IS 'What a title has there, or a column to sort by.';
COMMENT ON COLUMN jikan_sync.v4_word.tag IS 'The tag of rows that have it: `jikan.v4_row.tags`.';

INSERT INTO jikan_sync.v4_word (kind, word, meaning, tag)
VALUES
('type', 'tv', 'TV', 20000001),
('type', 'movie', 'Movie', 20000002),
('type', 'ova', 'OVA', 20000003),
('type', 'special', 'Special', 20000004),
('type', 'ona', 'ONA', 20000005),
('type', 'music', 'Music', 20000006),
('type', 'cm', 'CM', 20000007),
('type', 'pv', 'PV', 20000008),
('type', 'tv_special', 'TV Special', 20000009),
('status', 'airing', 'Currently Airing', 20000101),
('status', 'complete', 'Finished Airing', 20000102),
('status', 'upcoming', 'Not yet aired', 20000103),
('rating', 'g', 'G - All Ages', 20000201),
('rating', 'pg', 'PG - Children', 20000202),
('rating', 'pg13', 'PG-13 - Teens 13 or older', 20000203),
('rating', 'r17', 'R - 17+ (violence & profanity)', 20000204),
('rating', 'r', 'R+ - Mild Nudity', 20000205),
('rating', 'rx', 'Rx - Hentai', 20000206),
('day', 'monday', 'Mondays', 20000301),
('day', 'tuesday', 'Tuesdays', 20000302),
('day', 'wednesday', 'Wednesdays', 20000303),
('day', 'thursday', 'Thursdays', 20000304),
('day', 'friday', 'Fridays', 20000305),
('day', 'saturday', 'Saturdays', 20000306),
('day', 'sunday', 'Sundays', 20000307),
('day', 'other', 'Not scheduled once per week', 20000308),
('day', 'unknown', 'Unknown', 20000309),
('flag', 'all', 'every row', 20000401),
('flag', 'approved', 'approved by MyAnimeList', 20000402),
('flag', 'adult', 'left out with sfw', 20000403),
('flag', 'kids', 'for kids', 20000404),
('order', 'mal_id', 'mal_id', null),
('order', 'title', 'title', null),
('order', 'start_date', 'aired_from', null),
('order', 'end_date', 'aired_to', null),
('order', 'episodes', 'episodes', null),
('order', 'score', 'score', null),
('order', 'scored_by', 'scored_by', null),
('order', 'rank', 'rank', null),
('order', 'popularity', 'popularity', null),
('order', 'members', 'members', null),
('order', 'favorites', 'favorites', null),
('sort', 'asc', 'ascending', null),
('sort', 'desc', 'descending', null),
('top', 'airing', 'score', null),
('top', 'upcoming', 'members', null),
('top', 'bypopularity', 'members', null),
('top', 'favorite', 'favorites', null),
('genre', 'genres', 'genres', null),
('genre', 'explicit_genres', 'explicit_genres', null),
('genre', 'themes', 'themes', null),
('genre', 'demographics', 'demographics', null),
('season', 'winter', '0', null),
('season', 'spring', '1', null),
('season', 'summer', '2', null),
('season', 'fall', '3', null);

CREATE TABLE jikan_sync.v4_parameter (
    pattern text NOT NULL REFERENCES jikan_sync.v4_route (pattern) ON DELETE CASCADE,
    name text NOT NULL,
    place integer NOT NULL,
    is_in_path boolean NOT NULL DEFAULT false,
    type text NOT NULL,
    least numeric,
    most numeric,
    words text,
    PRIMARY KEY (pattern, name),
    CONSTRAINT v4_parameter_type_check CHECK (
        type IN (
            'id', 'year', 'integer', 'limit', 'number', 'boolean', 'word', 'ids', 'date', 'text',
            'letter'
        )
    ),
    CONSTRAINT v4_parameter_words_check CHECK ((words IS NOT null) = (type = 'word'))
);

COMMENT ON TABLE jikan_sync.v4_parameter IS 'What a route takes; anything else is ignored.';
COMMENT ON COLUMN jikan_sync.v4_parameter.pattern IS 'The route.';
COMMENT ON COLUMN jikan_sync.v4_parameter.name IS 'The parameter.';
COMMENT ON COLUMN jikan_sync.v4_parameter.place IS 'Its place among the messages of a refusal.';
COMMENT ON COLUMN jikan_sync.v4_parameter.is_in_path IS
'Whether it is a part of the path: what does not fit is no such route (404), else refused (400).';
COMMENT ON COLUMN jikan_sync.v4_parameter.type IS 'How it is read: `jikan_sync.v4_validate`.';
COMMENT ON COLUMN jikan_sync.v4_parameter.least IS 'The least number.';
COMMENT ON COLUMN jikan_sync.v4_parameter.most IS 'The largest number, or the longest text.';
COMMENT ON COLUMN jikan_sync.v4_parameter.words IS
'The kind of `jikan_sync.v4_word` that it may be.';

INSERT INTO jikan_sync.v4_route (pattern, handler, facet, kind)
VALUES
('/anime', 'v4_get_search', null, 'list'),
('/anime/{id}', 'v4_get_anime', 'core', 'one'),
('/anime/{id}/full', 'v4_get_full', 'core', 'one'),
('/anime/{id}/relations', 'v4_get_relations', 'relations', 'one'),
('/anime/{id}/themes', 'v4_get_themes', 'themes', 'one'),
('/anime/{id}/external', 'v4_get_links', 'links', 'one'),
('/anime/{id}/streaming', 'v4_get_links', 'links', 'one'),
('/anime/{id}/pictures', 'v4_get_pictures', 'images', 'one'),
('/anime/{id}/reviews', 'v4_get_reviews', 'reviews', 'one'),
('/anime/{id}/characters', 'v4_get_facet', 'characters', 'one'),
('/anime/{id}/staff', 'v4_get_facet', 'staff', 'one'),
('/anime/{id}/episodes', 'v4_get_facet', 'episodes', 'one'),
('/anime/{id}/episodes/{episode}', 'v4_get_episode', 'episodes', 'one'),
('/anime/{id}/news', 'v4_get_facet', 'news', 'one'),
('/anime/{id}/videos', 'v4_get_facet', 'videos', 'one'),
('/anime/{id}/videos/episodes', 'v4_get_facet', 'videos_episodes', 'one'),
('/anime/{id}/statistics', 'v4_get_facet', 'statistics', 'one'),
('/anime/{id}/moreinfo', 'v4_get_facet', 'moreinfo', 'one'),
('/anime/{id}/recommendations', 'v4_get_facet', 'recommendations', 'one'),
('/top/anime', 'v4_get_top', null, 'list'),
('/seasons', 'v4_get_seasons', null, 'list'),
('/seasons/now', 'v4_get_season', null, 'list'),
('/seasons/upcoming', 'v4_get_upcoming', null, 'list'),
('/seasons/{year}/{season}', 'v4_get_season', null, 'list'),
('/schedules', 'v4_get_schedule', null, 'list'),
('/schedules/{filter}', 'v4_get_schedule', null, 'list'),
('/genres/anime', 'v4_get_genres', null, 'list'),
('/random/anime', 'v4_get_random', null, 'random'),
('/recommendations/anime', 'v4_get_all', 'recommendations', 'one');

INSERT INTO jikan_sync.v4_parameter (
    pattern, name, place, is_in_path, type, least, most, words
)
SELECT
    r.pattern,
    p.name,
    p.place,
    coalesce(strpos(r.pattern, '{' || p.name || '}') > 0, false),
    p.type,
    p.least,
    p.most,
    p.words
FROM (
    VALUES
    ('', 'id', 1, 'id', 1, null, null),
    ('', 'year', 1, 'year', 1000, 9999, null),
    ('', 'season', 2, 'word', null, null, 'season'),
    ('', 'episode', 2, 'id', 1, null, null),
    ('/schedules/{filter}', 'filter', 1, 'word', null, null, 'day'),
    ('/schedules', 'filter', 1, 'word', null, null, 'day'),
    ('/seasons/now', 'filter', 1, 'word', null, null, 'type'),
    ('/seasons/upcoming', 'filter', 1, 'word', null, null, 'type'),
    ('/seasons/{year}/{season}', 'filter', 1, 'word', null, null, 'type'),
    ('/top/anime', 'filter', 1, 'word', null, null, 'top'),
    ('/genres/anime', 'filter', 1, 'word', null, null, 'genre'),
    ('/anime', 'q', 2, 'text', null, 255, null),
    ('/anime', 'letter', 3, 'letter', null, 1, null),
    ('/anime', 'type', 4, 'word', null, null, 'type'),
    ('/top/anime', 'type', 4, 'word', null, null, 'type'),
    ('/anime', 'status', 5, 'word', null, null, 'status'),
    ('/anime', 'rating', 6, 'word', null, null, 'rating'),
    ('/top/anime', 'rating', 6, 'word', null, null, 'rating'),
    ('/anime', 'score', 7, 'number', 1.00, 9.99, null),
    ('/anime', 'min_score', 8, 'number', 0, 10, null),
    ('/anime', 'max_score', 9, 'number', 1, 10, null),
    ('/anime', 'genres', 10, 'ids', null, 1000, null),
    ('/anime', 'genres_exclude', 11, 'ids', null, 1000, null),
    ('/anime', 'producers', 12, 'ids', null, 1000, null),
    ('/anime', 'start_date', 13, 'date', null, null, null),
    ('/anime', 'end_date', 14, 'date', null, null, null),
    ('/anime', 'order_by', 15, 'word', null, null, 'order'),
    ('/anime', 'sort', 16, 'word', null, null, 'sort')
) AS p (pattern, name, place, type, least, most, words)
INNER JOIN jikan_sync.v4_route AS r
    ON r.pattern = p.pattern OR p.pattern = '' AND strpos(r.pattern, '{' || p.name || '}') > 0;

INSERT INTO jikan_sync.v4_parameter (pattern, name, place, type)
SELECT
    p.pattern,
    n.name,
    20 + n.place,
    'boolean'
FROM
    unnest(ARRAY['sfw', 'unapproved', 'kids', 'continuing', 'preliminary', 'spoilers'])
    WITH ORDINALITY AS n (name, place)
INNER JOIN jikan_sync.v4_route AS p
    ON CASE
        WHEN n.name = 'sfw' THEN p.kind IN ('list', 'random')
        WHEN n.name = 'unapproved' THEN p.kind = 'list' AND p.pattern <> '/top/anime'
        WHEN n.name = 'kids' THEN p.pattern LIKE '/schedules%' OR p.pattern LIKE '/seasons/%'
        WHEN n.name = 'continuing' THEN p.pattern LIKE '/seasons/%'
        ELSE p.facet = 'reviews'
    END
WHERE p.pattern NOT IN ('/genres/anime', '/seasons');

INSERT INTO jikan_sync.v4_parameter (pattern, name, place, type, least, most)
SELECT
    p.pattern,
    n.name,
    n.place,
    n.type,
    1,
    n.most
FROM (VALUES ('page', 30, 'integer', 1000000), ('limit', 31, 'limit', 25))
    AS n (name, place, type, most)
CROSS JOIN jikan_sync.v4_route AS p
WHERE p.kind = 'list' AND p.pattern NOT IN ('/genres/anime', '/seasons');

INSERT INTO jikan_sync.v4_parameter (pattern, name, place, type, least, most)
SELECT
    p.pattern,
    'page',
    30,
    'integer',
    1,
    1000000
FROM jikan_sync.v4_route AS p
WHERE
    p.pattern IN (
        '/anime/{id}/episodes', '/anime/{id}/news', '/anime/{id}/videos/episodes',
        '/anime/{id}/reviews', '/recommendations/anime'
    );

CREATE TYPE jikan_sync.v4_request AS (
    pattern text,
    facet text,
    parameters jsonb,
    known text []
);

COMMENT ON TYPE jikan_sync.v4_request IS
'A request that is in order: its route, its parameters as values, and the versions that the asker
has (If-None-Match).';

CREATE TYPE jikan_sync.v4_answer AS (
    status integer,
    version text,
    body text,
    synced_at timestamptz,
    is_stale boolean,
    facet text,
    mal_id integer,
    query text,
    anime_ids bigint [],
    is_miss boolean,
    kind text,
    question text
);

COMMENT ON TYPE jikan_sync.v4_answer IS
'What a handler answers. `version` names the body; `synced_at` and `is_stale` are its age. `facet`
of `mal_id` and `query` are what should be asked upstream, `anime_ids` what was read; `is_miss`: it
is worth a wait; `kind`: that of the route; `question`: the request, alike for all that mean the
same.';

CREATE TYPE anime.v4_response AS (
    status integer,
    headers jsonb,
    body text,
    is_miss boolean,
    wait interval,
    has_wish boolean,
    keep_for interval,
    was_asked boolean,
    question text
);

COMMENT ON TYPE anime.v4_response IS
'An answer of the Jikan v4 API. `is_miss`: something better has been asked for; wait up to `wait`
for channel `anime_stored`, or `anime_search` for a search, and ask `anime.v4_cached`. `has_wish`:
it should be asked for and was not, because nothing can be written here; put the same question to
the primary. `keep_for`: how long the same may be said again instead of asking the same function,
unless `anime_changed` is notified before; NULL: not at all. `was_asked`: this request had something
asked for upstream that nobody had asked for. `question`: the request without what does not matter,
where something was or should be asked for; who asks alike waits for the same.';

GRANT USAGE ON TYPE anime.v4_response TO anime_reader;

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES
(
    'v4_wait', '5 seconds', 'interval', '0', '1 hour',
    'How long a request to the Jikan v4 API waits for what the database does not have.'
),
(
    'v4_keep', '1 second', 'interval', '0', '10 seconds',
    'How long a gateway may say the same answer again without asking; what is written ends it.'
);

COMMIT;
