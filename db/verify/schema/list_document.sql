-- Verify pgjikan:schema/list_document on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    PERFORM path, page, body, pagination, hash, synced_at FROM jikan.list_document WHERE FALSE;
END;
$$;

ROLLBACK;
