-- Deploy pgjikan:schema/neighbour to pg
-- requires: schema/anime
-- requires: functions/embeddings/current_vector
-- requires: schema/clock
-- requires: schema/findable
-- requires: functions/embeddings/active_model_id

-- What recommendations read instead of the whole mirror: a narrow row a title to compare by, and
-- the titles that were found to go with it. Both are derived; what is out of date is found again
-- behind the readers.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan.profile (
    anime_id bigint PRIMARY KEY REFERENCES jikan.anime (id) ON DELETE CASCADE,
    mal_id integer NOT NULL,
    members integer NOT NULL,
    year integer,
    is_nsfw boolean NOT NULL,
    is_approved boolean NOT NULL,
    popularity real NOT NULL,
    love real NOT NULL,
    rating real NOT NULL,
    embedding_hash uuid NOT NULL,
    score numeric(4, 2),
    type text,
    status text,
    genre_names text[] NOT NULL,
    stem text NOT NULL,
    stem_english text,
    words text NOT NULL,
    traits sparsevec NOT NULL,
    counted integer NOT NULL,
    -- With all that ranking and filters ask, so that of hundreds of neighbours no row is read.
    CONSTRAINT profile_mal_id_key UNIQUE (mal_id) INCLUDE (
        anime_id, popularity, is_nsfw, is_approved, year, score, type, status, genre_names
    )
)
-- A recount writes every row anew, but nothing that an index holds: with room beside each no index
-- grows by it. For that `counted` is in none.
WITH (fillfactor = 50);

-- With all that filters ask, so that the popular that pass are found in the index alone.
CREATE INDEX profile_members_idx ON jikan.profile (members DESC, anime_id)
INCLUDE (mal_id, is_nsfw, is_approved, year, score, type, status, genre_names);

-- The same for years, the filter that leaves fewest: a tenth of the time where few pass.
CREATE INDEX profile_year_idx ON jikan.profile (year, members DESC, anime_id)
INCLUDE (mal_id, is_nsfw, is_approved, score, type, status, genre_names);

CREATE INDEX profile_nsfw_idx ON jikan.profile (members DESC, anime_id) WHERE is_nsfw;

CREATE INDEX profile_stem_idx ON jikan.profile (stem);

COMMENT ON TABLE jikan.profile IS
'What recommendations read of an anime: no row for a tombstoned one.';
COMMENT ON COLUMN jikan.profile.anime_id IS 'The anime.';
COMMENT ON COLUMN jikan.profile.mal_id IS 'MyAnimeList''s id.';
COMMENT ON COLUMN jikan.profile.members IS 'How many have it on a list; 0 where nobody says.';
COMMENT ON COLUMN jikan.profile.year IS 'As in `jikan_sync.findable`.';
COMMENT ON COLUMN jikan.profile.is_nsfw IS 'Whether it is adult.';
COMMENT ON COLUMN jikan.profile.is_approved IS 'Whether MyAnimeList has approved the entry.';
COMMENT ON COLUMN jikan.profile.popularity IS
'Logarithm of its members, 1 for three millions.';
COMMENT ON COLUMN jikan.profile.love IS
'Logarithm of the share of its members who have it among their favourites: -3 (none) to 0.';
COMMENT ON COLUMN jikan.profile.rating IS 'Its score, from -0.55 to 0.35; 0 where it has none.';
COMMENT ON COLUMN jikan.profile.embedding_hash IS
'Hash of its text: a vector counts beside the same.';
COMMENT ON COLUMN jikan.profile.score IS 'Mean score, for filters.';
COMMENT ON COLUMN jikan.profile.type IS 'TV, Movie …';
COMMENT ON COLUMN jikan.profile.status IS 'Currently Airing …';
COMMENT ON COLUMN jikan.profile.genre_names IS
'Genres, themes and demographics, lower case; none where they are too many for an index.';
COMMENT ON COLUMN jikan.profile.stem IS '`jikan_sync.title_stem` of its title.';
COMMENT ON COLUMN jikan.profile.stem_english IS 'The same of its English title.';
COMMENT ON COLUMN jikan.profile.words IS '`jikan_sync.title_words` of both titles.';
COMMENT ON COLUMN jikan.profile.traits IS
'Genres and studios by rarity, type, source and age rating: `jikan_sync.trait_vector`.';
COMMENT ON COLUMN jikan.profile.counted IS
'How many anime had been counted for `jikan_sync.trait` when `traits` was made.';

CREATE TABLE jikan_sync.trait (
    kind text NOT NULL,
    name text NOT NULL,
    anime_count integer NOT NULL,
    rarity real NOT NULL,
    PRIMARY KEY (kind, name) INCLUDE (rarity),
    CONSTRAINT trait_kind_check CHECK (kind IN ('genre', 'studio'))
);

-- The nameless genre of all says how many were counted, and who holds it counts.
INSERT INTO jikan_sync.trait (kind, name, anime_count, rarity)
VALUES ('genre', '', 0, 0);

COMMENT ON TABLE jikan_sync.trait IS 'How rare genres and studios are, as last counted.';
COMMENT ON COLUMN jikan_sync.trait.kind IS 'genre (also themes and demographics) or studio.';
COMMENT ON COLUMN jikan_sync.trait.name IS 'Its name, of genres in lower case.';
COMMENT ON COLUMN jikan_sync.trait.anime_count IS 'How many anime had it.';
COMMENT ON COLUMN jikan_sync.trait.rarity IS
'What it is worth to have it in common: of a genre the logarithm of how many anime there are for
each that has it, of a studio the square root of the share.';

CREATE TABLE jikan_sync.recount (
    is_only boolean PRIMARY KEY DEFAULT TRUE CHECK (is_only),
    is_running boolean NOT NULL
);

INSERT INTO jikan_sync.recount (is_running)
VALUES (FALSE);

COMMENT ON TABLE jikan_sync.recount IS
'Whether profiles wait for a new count, so that nobody who asks reads them all. One row.';
COMMENT ON COLUMN jikan_sync.recount.is_only IS 'Always true: there is one row.';
COMMENT ON COLUMN jikan_sync.recount.is_running IS
'Whether there were profiles whose traits an earlier count had made, as `jikan_sync.count_traits`
last saw.';

CREATE TABLE jikan.neighbour (
    anime_id bigint PRIMARY KEY REFERENCES jikan.anime (id) ON DELETE CASCADE,
    mal_ids integer[] NOT NULL,
    scores real[] NOT NULL,
    ways "char"[] NOT NULL,  -- noqa: RF06
    sibling_mal_ids integer[] NOT NULL,
    sibling_scores real[] NOT NULL,
    floor real NOT NULL,
    wanted sparsevec NOT NULL,
    basis integer NOT NULL,
    reckoned_at timestamptz NOT NULL,
    CONSTRAINT neighbour_lists_check CHECK (
        cardinality(mal_ids) = cardinality(scores)
        AND cardinality(mal_ids) = cardinality(ways)
        AND cardinality(sibling_mal_ids) = cardinality(sibling_scores)
    )
);

CREATE INDEX neighbour_basis_idx ON jikan.neighbour (basis);

CREATE INDEX neighbour_reckoned_at_idx ON jikan.neighbour (reckoned_at);

COMMENT ON TABLE jikan.neighbour IS
'What goes with an anime, best first, as `jikan_sync.reckon_neighbours` found.';
COMMENT ON COLUMN jikan.neighbour.anime_id IS 'The anime.';
COMMENT ON COLUMN jikan.neighbour.mal_ids IS 'Its neighbours, best first, none of its franchise.';
COMMENT ON COLUMN jikan.neighbour.scores IS
'What each is worth above the best that is not in the list.';
COMMENT ON COLUMN jikan.neighbour.ways IS
'How each was found: v voted for, f voted for its franchise, w walk over votes, a alike.';
COMMENT ON COLUMN jikan.neighbour.sibling_mal_ids IS
'Anime of its own franchise, by relations or by name.';
COMMENT ON COLUMN jikan.neighbour.sibling_scores IS 'What each is worth, as `scores`.';
COMMENT ON COLUMN jikan.neighbour.floor IS 'What the best that is not in the list was worth.';
COMMENT ON COLUMN jikan.neighbour.wanted IS
'Its traits by their weights: the inner product with `jikan.profile.traits` is what others have in
common with it.';
COMMENT ON COLUMN jikan.neighbour.basis IS
'By what it was reckoned: `jikan_sync.neighbour_basis` then.';
COMMENT ON COLUMN jikan.neighbour.reckoned_at IS 'When.';

CREATE TABLE jikan_sync.neighbour_wish (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mal_id integer NOT NULL
);

COMMENT ON TABLE jikan_sync.neighbour_wish IS
'Titles whose neighbours are to be reckoned anew, until the job refresh_neighbours does.
Append-only: no two sessions meet at a row.';
COMMENT ON COLUMN jikan_sync.neighbour_wish.id IS 'Key, in the order of wishing.';
COMMENT ON COLUMN jikan_sync.neighbour_wish.mal_id IS 'The title, mirrored or not.';

CREATE TABLE jikan_sync.newcomer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    anime_id bigint NOT NULL
);

CREATE INDEX newcomer_anime_id_idx ON jikan_sync.newcomer (anime_id DESC);

COMMENT ON TABLE jikan_sync.newcomer IS
'Titles so new that those they go with have not been told of them: every answer considers the latest
of them, until the job refresh_neighbours has placed them. Append-only: who stores a title never
waits for the job.';
COMMENT ON COLUMN jikan_sync.newcomer.id IS 'Key, in the order of coming.';
COMMENT ON COLUMN jikan_sync.newcomer.anime_id IS 'The anime; it may be gone again.';

CREATE VIEW jikan_sync.candidate AS
SELECT
    p.anime_id,
    p.mal_id,
    p.members,
    p.popularity,
    (
        p.anime_id, p.mal_id, p.type, p.status, p.genre_names, p.score, p.members, p.is_nsfw, NULL,
        p.embedding_hash, NULL, NULL, NULL, p.is_approved, p.year
    )::jikan_sync.findable AS facts
FROM jikan.profile AS p;

COMMENT ON VIEW jikan_sync.candidate IS
'Anime as `jikan_sync.admits` filters them where recommendations are made, from the narrow table.';
COMMENT ON COLUMN jikan_sync.candidate.anime_id IS 'The anime.';
COMMENT ON COLUMN jikan_sync.candidate.mal_id IS 'MyAnimeList''s id.';
COMMENT ON COLUMN jikan_sync.candidate.members IS 'As in `jikan.profile`.';
COMMENT ON COLUMN jikan_sync.candidate.popularity IS 'As in `jikan.profile`.';
COMMENT ON COLUMN jikan_sync.candidate.facts IS
'What a filter asks for; of no other use: titles and synopsis are missing.';

CREATE VIEW jikan_sync.recommendable AS
SELECT
    p.anime_id,
    p.mal_id,
    p.members,
    p.year,
    p.is_nsfw,
    p.is_approved,
    p.popularity,
    p.love,
    p.rating,
    p.embedding_hash,
    p.score,
    p.type,
    p.status,
    p.genre_names,
    p.stem,
    p.words,
    p.traits,
    e.embedding
FROM jikan.profile AS p
CROSS JOIN LATERAL jikan_sync.current_vector(p.anime_id, p.embedding_hash) AS e
-- Not by `jikan_sync.active_model_id`: to begin a function takes longer than to look.
WHERE
    e.model_id = (
        SELECT m.id
        FROM jikan.embedding_model AS m
        WHERE m.status = 'active'
    );

COMMENT ON VIEW jikan_sync.recommendable IS
'Anime that may be recommended: those with a current vector of the active model.';
COMMENT ON COLUMN jikan_sync.recommendable.anime_id IS 'The anime.';
COMMENT ON COLUMN jikan_sync.recommendable.mal_id IS 'MyAnimeList''s id.';
COMMENT ON COLUMN jikan_sync.recommendable.members IS 'As in `jikan.profile`.';
COMMENT ON COLUMN jikan_sync.recommendable.year IS 'As in `jikan.profile`.';
COMMENT ON COLUMN jikan_sync.recommendable.is_nsfw IS 'As in `jikan.profile`.';
COMMENT ON COLUMN jikan_sync.recommendable.is_approved IS 'As in `jikan.profile`.';
COMMENT ON COLUMN jikan_sync.recommendable.popularity IS 'As in `jikan.profile`.';
COMMENT ON COLUMN jikan_sync.recommendable.love IS 'As in `jikan.profile`.';
COMMENT ON COLUMN jikan_sync.recommendable.rating IS 'As in `jikan.profile`.';
COMMENT ON COLUMN jikan_sync.recommendable.embedding_hash IS 'As in `jikan.profile`.';
COMMENT ON COLUMN jikan_sync.recommendable.score IS 'As in `jikan.profile`.';
COMMENT ON COLUMN jikan_sync.recommendable.type IS 'As in `jikan.profile`.';
COMMENT ON COLUMN jikan_sync.recommendable.status IS 'As in `jikan.profile`.';
COMMENT ON COLUMN jikan_sync.recommendable.genre_names IS 'As in `jikan.profile`.';
COMMENT ON COLUMN jikan_sync.recommendable.stem IS 'As in `jikan.profile`.';
COMMENT ON COLUMN jikan_sync.recommendable.words IS 'As in `jikan.profile`.';
COMMENT ON COLUMN jikan_sync.recommendable.traits IS 'As in `jikan.profile`.';
COMMENT ON COLUMN jikan_sync.recommendable.embedding IS 'The vector, of length 1.';

COMMIT;
