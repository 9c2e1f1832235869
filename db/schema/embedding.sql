-- Deploy pgjikan:schema/embedding to pg
-- requires: schema/embedding_model
-- requires: schema/anime

-- The vectors: one of each model for each anime, with the hash of the text it was made from, so
-- that a vector and the text it stands for can be told to belong together. A partition a model:
-- models of different dimensions stand side by side, and dropping one is dropping its table.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan.embedding (
    model_id integer NOT NULL REFERENCES jikan.embedding_model (id) ON DELETE RESTRICT,
    anime_id bigint NOT NULL REFERENCES jikan.anime (id) ON DELETE CASCADE,
    input_hash uuid NOT NULL,
    embedding halfvec NOT NULL,
    embedded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (model_id, anime_id) INCLUDE (input_hash)
) PARTITION BY LIST (model_id);

CREATE INDEX embedding_anime_id_idx ON jikan.embedding (anime_id);

CREATE INDEX embedding_input_hash_idx ON jikan.embedding (input_hash);

COMMENT ON TABLE jikan.embedding IS
'The vector of an anime by a model; it counts only while `input_hash` is the anime''s
embedding_hash.';
COMMENT ON COLUMN jikan.embedding.model_id IS 'The model, and so the partition.';
COMMENT ON COLUMN jikan.embedding.anime_id IS 'The anime.';
COMMENT ON COLUMN jikan.embedding.input_hash IS 'MD5 of the text the vector was made from.';
COMMENT ON COLUMN jikan.embedding.embedding IS
'The vector, of length 1 and the model''s dimensions.';
COMMENT ON COLUMN jikan.embedding.embedded_at IS 'When it was stored.';

COMMIT;
