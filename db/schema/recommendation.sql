-- Deploy pgjikan:schema/recommendation to pg
-- requires: schema/namespaces
-- requires: schema/ledger

-- What MyAnimeList's users recommend to each other: a pair of titles and how many say so. A pair
-- stands on the pages of both its titles, so it is kept once; by mal_id, since neither need be
-- mirrored. The documents as received are `jikan.facet_document`.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan.recommendation (
    low_mal_id integer NOT NULL,
    high_mal_id integer NOT NULL,
    votes integer NOT NULL,
    voted_at timestamptz,
    PRIMARY KEY (low_mal_id, high_mal_id) INCLUDE (votes),
    CONSTRAINT recommendation_pair_check CHECK (low_mal_id > 0 AND low_mal_id < high_mal_id),
    CONSTRAINT recommendation_votes_check CHECK (votes > 0)
);

CREATE INDEX recommendation_high_mal_id_idx
ON jikan.recommendation (high_mal_id, low_mal_id) INCLUDE (votes);

COMMENT ON TABLE jikan.recommendation IS
'Pairs of anime that users of MyAnimeList recommend to those who liked one of them.';
COMMENT ON COLUMN jikan.recommendation.low_mal_id IS 'The smaller mal_id of the pair.';
COMMENT ON COLUMN jikan.recommendation.high_mal_id IS 'The larger mal_id of the pair.';
COMMENT ON COLUMN jikan.recommendation.votes IS 'How many users recommend it.';
COMMENT ON COLUMN jikan.recommendation.voted_at IS
'The date of the latest vote that was counted one by one; NULL: a list told the count.';

CREATE TABLE jikan.recommendation_list (
    mal_id integer PRIMARY KEY,
    fetched_at timestamptz NOT NULL
);

COMMENT ON TABLE jikan.recommendation_list IS
'The titles whose own list of recommendations is known: of two lists that tell of a pair, the
younger is right.';
COMMENT ON COLUMN jikan.recommendation_list.mal_id IS 'The title, mirrored or not.';
COMMENT ON COLUMN jikan.recommendation_list.fetched_at IS
'When it was last fetched.';

CREATE VIEW jikan_sync.vote AS
SELECT
    r.low_mal_id AS mal_id,
    r.high_mal_id AS other_mal_id,
    r.votes
FROM jikan.recommendation AS r
UNION ALL
SELECT
    r.high_mal_id,
    r.low_mal_id,
    r.votes
FROM jikan.recommendation AS r;

COMMENT ON VIEW jikan_sync.vote IS 'Recommendations read from either of their titles.';
COMMENT ON COLUMN jikan_sync.vote.mal_id IS 'The title read from.';
COMMENT ON COLUMN jikan_sync.vote.other_mal_id IS 'The title recommended with it.';
COMMENT ON COLUMN jikan_sync.vote.votes IS 'How many users recommend it.';

COMMIT;
