-- Deploy pgjikan:functions/embeddings/embedding_status to pg
-- requires: functions/embeddings/embedding_model
-- requires: schema/embedding_provider
-- requires: schema/queue

-- What an operator asks of the models: how far each is, how large, and what holds it up.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.embedding_status()
RETURNS TABLE (
    id integer,
    provider text,
    name text,
    dimensions integer,
    status text,
    title_count bigint,
    current_count bigint,
    coverage double precision,
    size_bytes bigint,
    waiting_count bigint,
    dead_count bigint,
    blocked_until timestamptz,
    blocked_reason text
)
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT  -- noqa: ST06
        m.id,
        m.provider,
        m.name,
        m.dimensions,
        m.status,
        c.title_count,
        c.current_count,
        c.coverage,
        pg_total_relation_size(format('jikan.embedding_%s', m.id)::regclass),
        (
            SELECT count(*)
            FROM jikan_sync.queue AS q
            WHERE q.lane = 'embedding'
        ),
        (
            SELECT count(*)
            FROM jikan_sync.dead_letter AS d
            WHERE d.task = 'embed'
        ),
        b.blocked_until,
        b.blocked_reason
    FROM jikan.embedding_model AS m
    CROSS JOIN LATERAL jikan_sync.embedding_coverage(m.id) AS c
    LEFT JOIN LATERAL jikan_sync.embedding_block(m.id) AS b ON true
    ORDER BY m.id;
END;

COMMENT ON FUNCTION jikan_sync.embedding_status() IS
'Every model with its coverage and size; `waiting_count` and `dead_count` are of all models
together; `blocked_until` and `blocked_reason` say why it is not asked just now.';

COMMIT;
