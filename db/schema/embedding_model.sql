-- Deploy pgjikan:schema/embedding_model to pg
-- requires: schema/embedding_provider
-- requires: schema/setting

-- Which models have vectors here. One is active: recommendations read its vectors only. Others are
-- being backfilled to take over, or are retired and keep their vectors as a way back.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan.embedding_model (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider text NOT NULL REFERENCES jikan_sync.embedding_provider (name) ON DELETE RESTRICT,
    name text NOT NULL,
    dimensions integer NOT NULL CHECK (dimensions BETWEEN 1 AND 4000),
    status text NOT NULL CHECK (status IN ('active', 'backfilling', 'retired')),
    price numeric NOT NULL DEFAULT 0 CHECK (price BETWEEN 0 AND 1000000),
    created_at timestamptz NOT NULL DEFAULT now(),
    switched_at timestamptz,
    dropped_at timestamptz,
    gone_until timestamptz,
    gone_reason text,
    CONSTRAINT embedding_model_provider_name_dimensions_key UNIQUE (provider, name, dimensions),
    CONSTRAINT embedding_model_name_check CHECK (name <> ''),
    CONSTRAINT embedding_model_gone_check CHECK ((gone_until IS null) = (gone_reason IS null))
);

CREATE UNIQUE INDEX embedding_model_active_idx
ON jikan.embedding_model (status) WHERE status = 'active';

COMMENT ON TABLE jikan.embedding_model IS
'Embedding models with vectors here; one is active, and only its vectors are read.';
COMMENT ON COLUMN jikan.embedding_model.id IS
'Our key; the model''s vectors are jikan.embedding_ID.';
COMMENT ON COLUMN jikan.embedding_model.provider IS 'The API that computes its vectors.';
COMMENT ON COLUMN jikan.embedding_model.name IS 'The provider''s name of the model.';
COMMENT ON COLUMN jikan.embedding_model.dimensions IS 'Length of its vectors.';
COMMENT ON COLUMN jikan.embedding_model.status IS
'active: read and kept current; backfilling: kept current beside it; retired: left as it is.';
COMMENT ON COLUMN jikan.embedding_model.price IS
'US dollars for a million tokens, for estimates; 0: costs nothing.';
COMMENT ON COLUMN jikan.embedding_model.created_at IS 'When it was added.';
COMMENT ON COLUMN jikan.embedding_model.switched_at IS 'When it last became active or was retired.';
COMMENT ON COLUMN jikan.embedding_model.dropped_at IS
'When it was to be dropped and a reader was in the way; a job drops it.';
COMMENT ON COLUMN jikan.embedding_model.gone_until IS
'Its provider says that it has no such model: it is not asked before this; NULL: it has.';
COMMENT ON COLUMN jikan.embedding_model.gone_reason IS 'What the provider said of that.';

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, choices, description)
VALUES
(
    'embedding_low_priority',
    'immediate',
    'text',
    null, null,
    '{immediate,nightly}',
    'When vectors that nobody waits for are computed: immediate, or nightly by the job '
    'nightly_embeddings. Shipped immediate because the shipped model runs here and costs nothing.'
),
(
    'embedding_high_limit',
    '2',
    'number',
    '0',
    '1000',
    null,
    'Most embed tasks of high priority that one stored response makes; the rest are low.'
),
(
    'embedding_switch_coverage',
    '0.99',
    'number',
    '0',
    '1',
    null,
    'Share of titles that must have a current vector of a model before it can become active.'
);

COMMIT;
