-- Deploy pgjikan:functions/embeddings/tg_queue_embedding to pg
-- requires: functions/embeddings/queue_embeddings

-- A new title, or one whose text changed, is queued in the transaction that made it so. The hash
-- decides, not the columns an UPDATE names: upserts name them all, and a changed score embeds
-- nothing.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.tg_queue_new_embedding()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM jikan_sync.queue_embeddings(array_agg(n.id))
    FROM new_row AS n
    HAVING count(*) > 0;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_queue_new_embedding() IS 'Queues new titles to be embedded.';

CREATE FUNCTION jikan_sync.tg_queue_changed_embedding()
RETURNS trigger
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM jikan_sync.queue_embeddings(array_agg(n.id))
    FROM new_row AS n
    INNER JOIN old_row AS o ON o.id = n.id
    WHERE n.embedding_hash <> o.embedding_hash
        OR n.removed_at IS NULL AND o.removed_at IS NOT NULL
    HAVING count(*) > 0;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_queue_changed_embedding() IS
'Queues titles to be embedded whose text changed, or that came back.';

CREATE TRIGGER queue_new_embedding
AFTER INSERT ON jikan.anime
REFERENCING NEW TABLE AS new_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_queue_new_embedding();

CREATE TRIGGER queue_changed_embedding
AFTER UPDATE ON jikan.anime
REFERENCING OLD TABLE AS old_row NEW TABLE AS new_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_queue_changed_embedding();

COMMIT;
