-- Deploy pgjikan:schema/story to pg
-- requires: schema/anime
-- requires: schema/embedding_model

-- What happens in an anime, by the words of its synopsis: an inverted index with weights made when
-- a synopsis is stored, so that a search adds up numbers and reads no text. Synopses are English;
-- words of other languages are read by what a model finds near them.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.story (
    anime_id bigint PRIMARY KEY REFERENCES jikan.anime (id) ON DELETE CASCADE,
    synopsis_hash uuid NOT NULL
);

COMMENT ON TABLE jikan_sync.story IS 'Anime whose synopsis is indexed by its words.';
COMMENT ON COLUMN jikan_sync.story.anime_id IS 'The anime.';
COMMENT ON COLUMN jikan_sync.story.synopsis_hash IS 'MD5 of the synopsis as it was indexed.';

CREATE TABLE jikan_sync.story_word (
    anime_id bigint NOT NULL REFERENCES jikan_sync.story (anime_id) ON DELETE CASCADE,
    lexeme text COLLATE "C" NOT NULL,
    weight real NOT NULL,
    PRIMARY KEY (anime_id, lexeme)
);

CREATE INDEX story_word_lexeme_idx
ON jikan_sync.story_word (lexeme) INCLUDE (anime_id, weight);

COMMENT ON TABLE jikan_sync.story_word IS 'Which anime have a word in their synopsis.';
COMMENT ON COLUMN jikan_sync.story_word.anime_id IS 'The anime.';
COMMENT ON COLUMN jikan_sync.story_word.lexeme IS 'The word without its ending.';
COMMENT ON COLUMN jikan_sync.story_word.weight IS
'What the word says about this synopsis (BM25 without rarity): more often is more, in a long text
less.';

CREATE TABLE jikan_sync.story_vocabulary (
    lexeme text COLLATE "C" PRIMARY KEY,
    word text NOT NULL,
    anime_count smallint NOT NULL CHECK (anime_count BETWEEN 1 AND 3)
);

CREATE INDEX story_vocabulary_lexeme_idx
ON jikan_sync.story_vocabulary (lexeme) WHERE anime_count = 3;

COMMENT ON TABLE jikan_sync.story_vocabulary IS 'The words of all synopses.';
COMMENT ON COLUMN jikan_sync.story_vocabulary.lexeme IS 'The word without its ending.';
COMMENT ON COLUMN jikan_sync.story_vocabulary.word IS 'The word as it was first written.';
COMMENT ON COLUMN jikan_sync.story_vocabulary.anime_count IS
'How many anime have had it; counted up to 3, from where it is common enough to be a translation.';

CREATE TABLE jikan_sync.story_vector (
    model_id integer NOT NULL REFERENCES jikan.embedding_model (id) ON DELETE CASCADE,
    lexeme text COLLATE "C" NOT NULL,
    embedding halfvec NOT NULL,
    PRIMARY KEY (model_id, lexeme)
);

COMMENT ON TABLE jikan_sync.story_vector IS
'What words of `jikan_sync.story_vocabulary` mean to a model that knows many languages.';
COMMENT ON COLUMN jikan_sync.story_vector.model_id IS 'The model.';
COMMENT ON COLUMN jikan_sync.story_vector.lexeme IS 'The word without its ending.';
COMMENT ON COLUMN jikan_sync.story_vector.embedding IS 'The vector of the whole word.';

CREATE TABLE jikan_sync.foreign_word (
    model_id integer NOT NULL REFERENCES jikan.embedding_model (id) ON DELETE CASCADE,
    word text NOT NULL,
    lexemes text[],
    gains real[],
    asked_at timestamptz NOT NULL,
    PRIMARY KEY (model_id, word),
    CONSTRAINT foreign_word_gains_check CHECK (
        (lexemes IS NULL) = (gains IS NULL)
        AND (lexemes IS NULL OR cardinality(lexemes) = cardinality(gains))
    )
);

CREATE INDEX foreign_word_asked_at_idx ON jikan_sync.foreign_word (asked_at);

COMMENT ON TABLE jikan_sync.foreign_word IS
'Words of queries that are not English, and what they are in the words of synopses.';
COMMENT ON COLUMN jikan_sync.foreign_word.model_id IS 'The model that said so.';
COMMENT ON COLUMN jikan_sync.foreign_word.word IS 'The word, lower case.';
COMMENT ON COLUMN jikan_sync.foreign_word.lexemes IS
'The nearest words of synopses, nearest first; NULL: not read yet.';
COMMENT ON COLUMN jikan_sync.foreign_word.gains IS 'How near each of them is, up to 1.';
COMMENT ON COLUMN jikan_sync.foreign_word.asked_at IS 'When a query had it first.';

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES
(
    'foreign_word_limit',
    '20000',
    'number',
    '0',
    '1000000',
    'Most words of foreign queries to keep for a model; the oldest go first.'
),
(
    'semantic_meaning_weight',
    '0.8',
    'number',
    '0',
    '100',
    'What the likeness of the vectors is worth in `anime.search_semantic`, where the best match of '
    'words is 1.'
),
(
    'semantic_title_weight',
    '1',
    'number',
    '0',
    '100',
    'What a match of the title is worth in `anime.search_semantic`, by its rank in `anime.search`.'
);

COMMIT;
