-- Revert pgjikan:functions/v4/notify_changed from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DROP TRIGGER notify_changed ON jikan.anime;
DROP TRIGGER notify_changed ON jikan.facet_document;
DROP TRIGGER notify_changed ON jikan.link;
DROP TRIGGER notify_changed ON jikan.list_document;
DROP TRIGGER notify_changed ON jikan.picture;
DROP TRIGGER notify_changed ON jikan.relation;
DROP TRIGGER notify_changed ON jikan.review;
DROP TRIGGER notify_changed ON jikan.theme_song;
DROP TRIGGER notify_changed ON jikan.title;
DROP TRIGGER notify_changed ON jikan.v4_row;
DROP FUNCTION jikan_sync.tg_notify_changed();

COMMIT;
