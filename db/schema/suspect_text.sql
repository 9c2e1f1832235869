-- Deploy pgjikan:schema/suspect_text to pg
-- requires: schema/embedding_model

-- When a provider refuses a batch for what is in it, or fails at it while it answers others, one
-- text may be to blame and the others must not suffer: the batch is remembered here and comes back
-- in halves until the culprit stands alone.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.suspect_text (
    model_id integer NOT NULL REFERENCES jikan.embedding_model (id) ON DELETE CASCADE,
    input_hash uuid NOT NULL,
    max_inputs integer NOT NULL CHECK (max_inputs > 0),
    suspected_at timestamptz NOT NULL,
    is_guilty boolean NOT NULL DEFAULT false,
    PRIMARY KEY (model_id, input_hash)
);

COMMENT ON TABLE jikan_sync.suspect_text IS
'Texts of a batch that a provider refused or failed at; they are sent again in ever smaller
company.';
COMMENT ON COLUMN jikan_sync.suspect_text.model_id IS 'The model that was asked.';
COMMENT ON COLUMN jikan_sync.suspect_text.input_hash IS 'MD5 of the text.';
COMMENT ON COLUMN jikan_sync.suspect_text.max_inputs IS
'Largest batch it may be part of; 1: alone.';
COMMENT ON COLUMN jikan_sync.suspect_text.suspected_at IS
'When a batch with it last failed, or, where it has stood alone since, when that began.';
COMMENT ON COLUMN jikan_sync.suspect_text.is_guilty IS
'Whether it has failed alone while others were answered, so that its failures say nothing else.';

COMMIT;
