-- Verify pgjikan:schema/dashboard on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT (SELECT count(*) = 12 FROM jikan_sync.queue_depth('2 minutes', '1 minute'));
    PERFORM FROM jikan_sync.status_request;
    PERFORM FROM jikan_sync.status_embedding_provider;
    PERFORM FROM jikan_sync.status_error;
END;
$$;

ROLLBACK;
