-- Deploy pgjikan:schema/title to pg
-- requires: schema/anime
-- requires: functions/search/normalise_title
-- requires: functions/search/normalise_season

-- Everything that search reads besides jikan.anime, made from its titles by
-- jikan_sync.index_titles: the titles in the forms that are compared, their words, and the
-- vocabulary for spelling. Indexes lead with the popularity tier, so that the best few of any
-- prefix, however common, are found in one short descent a tier, and the cost of a search does
-- not grow with the catalogue.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan.title (
    anime_id bigint NOT NULL REFERENCES jikan.anime (id) ON DELETE CASCADE,
    position smallint NOT NULL,
    tier smallint NOT NULL,
    number smallint NOT NULL,
    type text NOT NULL,
    is_short boolean NOT NULL,
    title text NOT NULL,
    words text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    base text COLLATE "C" NOT NULL,
    PRIMARY KEY (anime_id, position)
);

CREATE INDEX title_tier_key_idx ON jikan.title (tier, key) INCLUDE (anime_id);

COMMENT ON TABLE jikan.title IS
'Titles of an anime in every language, one row each, normalised for search.';
COMMENT ON COLUMN jikan.title.anime_id IS 'The anime that bears the title.';
COMMENT ON COLUMN jikan.title.position IS
'Place in Jikan''s list of titles, from 1; with 500 added, the same without "&" and "@".';
COMMENT ON COLUMN jikan.title.tier IS
'How popular the anime is, 1 (most) to 6: `jikan_sync.popularity_tier`.';
COMMENT ON COLUMN jikan.title.number IS
'Season number of the anime, from whichever of its titles says one; where they only say "part 2",
-2; where they say nothing, 1.';
COMMENT ON COLUMN jikan.title.type IS 'Default, English, Japanese, Synonym, or another language.';
COMMENT ON COLUMN jikan.title.is_short IS
'Whether it is a synonym that only says how one of the anime''s main titles begins.';
COMMENT ON COLUMN jikan.title.title IS 'The title as people read it: `anime.plain_text`.';
COMMENT ON COLUMN jikan.title.words IS 'Its words: `jikan_sync.normalise_title`.';
COMMENT ON COLUMN jikan.title.key IS 'Its words, folded: `jikan_sync.fold_title`.';
COMMENT ON COLUMN jikan.title.base IS
'Its key without season number: of "2nd Season", "II" and "S2" the same.';

CREATE TABLE jikan_sync.title_word (
    tier smallint NOT NULL,
    word text COLLATE "C" NOT NULL,
    anime_id bigint NOT NULL,
    PRIMARY KEY (tier, word, anime_id)
);

COMMENT ON TABLE jikan_sync.title_word IS
'What else than its beginning a title is found by, see `jikan_sync.title_words`. No foreign key: its
checks would take longer than the rows.';
COMMENT ON COLUMN jikan_sync.title_word.tier IS
'How popular the anime is, as in `jikan.title`.';
COMMENT ON COLUMN jikan_sync.title_word.word IS 'The word, or "." and initials.';
COMMENT ON COLUMN jikan_sync.title_word.anime_id IS 'The anime.';

CREATE TABLE jikan_sync.vocabulary (
    word text COLLATE "C" NOT NULL,
    tier smallint NOT NULL
);

COMMENT ON TABLE jikan_sync.vocabulary IS
'Words, and short titles written as one, that a misspelt word may have meant. What comes with a more
popular anime is added again, so that no session waits for another; what no title has any more is
harmless.';
COMMENT ON COLUMN jikan_sync.vocabulary.word IS 'A word of some title.';
COMMENT ON COLUMN jikan_sync.vocabulary.tier IS 'How popular an anime that has it is, 1 to 6.';

CREATE FUNCTION jikan_sync.spelling_keys(word text)
RETURNS integer[]
LANGUAGE plpgsql
IMMUTABLE
STRICT
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_keys integer[] := ARRAY[hashtext(word)];
BEGIN
    FOR v_place IN 1 .. length(word) LOOP
        v_keys := v_keys || hashtext(overlay(word PLACING '' FROM v_place FOR 1));
    END LOOP;
    RETURN v_keys;
END;
$$;

COMMENT ON FUNCTION jikan_sync.spelling_keys(text) IS
'Hashes of `word` and of what it becomes when any one letter is left out. Words that share a key are
a slip apart: a letter more, fewer, replaced or swapped.';

CREATE INDEX vocabulary_word_idx ON jikan_sync.vocabulary (word);
CREATE INDEX vocabulary_spelling_keys_idx ON jikan_sync.vocabulary
USING gin (jikan_sync.spelling_keys(word)) WITH (gin_pending_list_limit = 512);
CREATE INDEX vocabulary_word_trigram_idx ON jikan_sync.vocabulary
USING gin (word gin_trgm_ops) WITH (gin_pending_list_limit = 512);

COMMIT;
