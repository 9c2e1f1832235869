-- Verify pgjikan:functions/face/check_arguments on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    PERFORM jikan_sync.check_search(20, 2000, 2001, 5, '{tv}', '{Not yet aired}');
    BEGIN
        PERFORM jikan_sync.check_mal_id(0);
        ASSERT false, 'an id of 0 was taken';
    EXCEPTION
        WHEN invalid_parameter_value THEN NULL;
    END;
END;
$$;

ROLLBACK;
