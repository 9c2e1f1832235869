-- Deploy pgjikan:schema/rejected_document to pg
-- requires: schema/clock

-- Where a document goes that cannot be stored: kept with its reason for a person to see, while its
-- neighbours land. The same document with the same fault is one row that counts.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.rejected_document (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    mal_id integer,
    reason text NOT NULL,
    document text NOT NULL,
    document_hash bigint NOT NULL,
    seen_count integer NOT NULL DEFAULT 1,
    first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    CONSTRAINT rejected_document_hash_reason_key UNIQUE (document_hash, reason)
);

CREATE INDEX rejected_document_last_seen_at_idx ON jikan_sync.rejected_document (last_seen_at);

COMMENT ON TABLE jikan_sync.rejected_document IS
'Documents that could not be stored, with the reason; purged by the job purge_history.';
COMMENT ON COLUMN jikan_sync.rejected_document.id IS 'Key.';
COMMENT ON COLUMN jikan_sync.rejected_document.source IS
'What brought it: list, full, pictures, reviews …';
COMMENT ON COLUMN jikan_sync.rejected_document.mal_id IS
'The anime it is about, where that can be told.';
COMMENT ON COLUMN jikan_sync.rejected_document.reason IS 'Why it could not be stored.';
COMMENT ON COLUMN jikan_sync.rejected_document.document IS 'Its first 10,000 characters.';
COMMENT ON COLUMN jikan_sync.rejected_document.document_hash IS 'Hash of the whole document.';
COMMENT ON COLUMN jikan_sync.rejected_document.seen_count IS 'How often it came with this fault.';
COMMENT ON COLUMN jikan_sync.rejected_document.first_seen_at IS 'When it first came.';
COMMENT ON COLUMN jikan_sync.rejected_document.last_seen_at IS 'When it last came.';

CREATE FUNCTION jikan_sync.reject_document(source text, mal_id integer, reason text, document text)
RETURNS void
LANGUAGE sql
VOLATILE
BEGIN ATOMIC
    INSERT INTO jikan_sync.rejected_document AS r (
        source, mal_id, reason, document, document_hash, first_seen_at, last_seen_at
    )
    VALUES (
        reject_document.source,
        reject_document.mal_id,
        reject_document.reason,
        left(reject_document.document, 10000),
        hashtextextended(reject_document.document, 0),
        jikan_sync.clock_now(),
        jikan_sync.clock_now()
    )
    ON CONFLICT (document_hash, reason) DO UPDATE SET
        seen_count = r.seen_count + 1,
        last_seen_at = excluded.last_seen_at;
END;

COMMENT ON FUNCTION jikan_sync.reject_document(text, integer, text, text) IS
'Keeps a document that cannot be stored, with its `reason`, in `jikan_sync.rejected_document`.';

COMMIT;
