-- Deploy pgjikan:functions/embeddings/embedding_text to pg
-- requires: functions/face/plain_text

-- The one recipe of the text that an embedding model reads of an anime.
-- `jikan.anime.embedding_hash` is generated from it, so a row's hash is right however the row was
-- changed, and only a change that shows in this text embeds again. Names go first, facts next,
-- prose last: measured on MyAnimeList's related titles (bench/embedding_text.py). A new recipe is a
-- migration that rewrites the rows.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.embedding_text(
    title text,
    title_english text,
    title_japanese text,
    title_synonyms text[],
    genre_names text[],
    studio_names text[],
    synopsis text
)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        concat_ws(
            E'\n',
            anime.plain_text(
                concat_ws(
                    ', ',
                    embedding_text.title,
                    nullif(embedding_text.title_english, embedding_text.title),
                    nullif(embedding_text.title_japanese, embedding_text.title),
                    nullif(array_to_string(embedding_text.title_synonyms[:5], ', '), '')
                )
            ),
            nullif(array_to_string(embedding_text.genre_names, ', '), ''),
            nullif(array_to_string(embedding_text.studio_names, ', '), ''),
            left(anime.plain_text(embedding_text.synopsis), 2000)
        );
END;

COMMENT ON FUNCTION jikan_sync.embedding_text(
    text, text, text, text[], text[], text[], text
) IS
'The text embedded for an anime: its titles (at most 5 synonyms), genres with themes and
demographics, studios, synopsis. About 2,500 characters at most, under the 2,048 tokens of
gemini-embedding-001; of it a provider gets `max_characters`.';

COMMIT;
