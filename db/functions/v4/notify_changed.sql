-- Deploy pgjikan:functions/v4/notify_changed to pg
-- requires: schema/anime_children
-- requires: schema/facet_document
-- requires: schema/list_document
-- requires: schema/v4_row

-- Tells gateways that what they keep of answers may be out of date. One notification a transaction,
-- whatever it wrote; of bulk, one a batch. So a transaction that writes the mirror cannot be
-- prepared for a commit in two phases: nobody but the sidecar and the loader writes it.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.tg_notify_changed()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_notify('anime_changed', '');
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_notify_changed() IS
'Notifies channel `anime_changed` (empty payload) that a document of the mirror was written.';

CREATE TRIGGER notify_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON jikan.anime
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_notify_changed();

CREATE TRIGGER notify_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON jikan.facet_document
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_notify_changed();

CREATE TRIGGER notify_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON jikan.link
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_notify_changed();

CREATE TRIGGER notify_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON jikan.list_document
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_notify_changed();

CREATE TRIGGER notify_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON jikan.picture
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_notify_changed();

CREATE TRIGGER notify_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON jikan.relation
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_notify_changed();

CREATE TRIGGER notify_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON jikan.review
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_notify_changed();

CREATE TRIGGER notify_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON jikan.theme_song
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_notify_changed();

CREATE TRIGGER notify_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON jikan.title
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_notify_changed();

CREATE TRIGGER notify_changed
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON jikan.v4_row
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_notify_changed();

COMMIT;
