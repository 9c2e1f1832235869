-- Deploy pgjikan:schema/suspect_text to pg
-- requires: schema/embedding_model

-- When a provider refuses a batch for what is in it, one text is to blame and the others must not
-- suffer: the batch is remembered here and comes back in halves until the culprit stands alone.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.suspect_text (
    model_id integer NOT NULL REFERENCES jikan.embedding_model (id) ON DELETE CASCADE,
    input_hash uuid NOT NULL,
    max_inputs integer NOT NULL CHECK (max_inputs > 0),
    suspected_at timestamptz NOT NULL,
    PRIMARY KEY (model_id, input_hash)
);

COMMENT ON TABLE jikan_sync.suspect_text IS
'Texts of a batch that a provider refused; they are sent again in ever smaller company.';
COMMENT ON COLUMN jikan_sync.suspect_text.model_id IS 'The model that was asked.';
COMMENT ON COLUMN jikan_sync.suspect_text.input_hash IS 'MD5 of the text.';
COMMENT ON COLUMN jikan_sync.suspect_text.max_inputs IS
'Largest batch it may be part of; 1: alone.';
COMMENT ON COLUMN jikan_sync.suspect_text.suspected_at IS 'When a batch with it was last refused.';

COMMIT;
