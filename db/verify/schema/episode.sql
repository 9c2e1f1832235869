-- Verify pgjikan:schema/episode on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    PERFORM anime_id, number, title, aired_at, score, is_filler FROM jikan.episode WHERE FALSE;
END;
$$;

ROLLBACK;
