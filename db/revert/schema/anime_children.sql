-- Revert pgjikan:schema/anime_children from pg

BEGIN;

DROP TABLE jikan.review;
DROP TABLE jikan.picture;
DROP TABLE jikan.link;
DROP TABLE jikan.theme_song;
DROP TABLE jikan.relation;

COMMIT;
