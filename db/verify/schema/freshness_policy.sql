-- Verify pgjikan:schema/freshness_policy on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT (
        SELECT count(*) = (SELECT count(*) FROM jikan_sync.facet)
        FROM jikan_sync.freshness_policy AS p
        WHERE p.status IS NULL
    );
    BEGIN
        UPDATE jikan_sync.freshness_policy SET max_age = '-1 day' WHERE facet = 'core';
        ASSERT false, 'a policy took a negative age';
    EXCEPTION
        WHEN invalid_parameter_value THEN NULL;
    END;
END;
$$;

ROLLBACK;
