-- Deploy pgjikan:schema/query_vector to pg
-- requires: schema/embedding_model

-- Vectors of what people searched for by meaning, so that a query is embedded once. Capped: the
-- least recently used go first.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.query_vector (
    model_id integer NOT NULL REFERENCES jikan.embedding_model (id) ON DELETE CASCADE,
    query_key text NOT NULL,
    embedding halfvec NOT NULL,
    embedded_at timestamptz NOT NULL,
    used_at timestamptz NOT NULL,
    PRIMARY KEY (model_id, query_key)
);

CREATE INDEX query_vector_used_at_idx ON jikan_sync.query_vector (used_at);

COMMENT ON TABLE jikan_sync.query_vector IS
'Vectors of queries of `anime.search_semantic`, by model.';
COMMENT ON COLUMN jikan_sync.query_vector.model_id IS 'The model that made the vector.';
COMMENT ON COLUMN jikan_sync.query_vector.query_key IS 'The query, normalised.';
COMMENT ON COLUMN jikan_sync.query_vector.embedding IS 'The vector, of length 1.';
COMMENT ON COLUMN jikan_sync.query_vector.embedded_at IS 'When it was made.';
COMMENT ON COLUMN jikan_sync.query_vector.used_at IS 'When it was last read, to the hour.';

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES (
    'query_vector_limit',
    '10000',
    'number',
    '0',
    '10000000',
    'Most query vectors to keep for a model; the least recently used go first.'
);

COMMIT;
