-- Verify pgjikan:schema/setting on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    name,
    value,
    type,
    choices,
    description
FROM jikan_sync.setting
WHERE FALSE;

DO $$
BEGIN
    INSERT INTO jikan_sync.setting (name, value, type, description)
    VALUES ('verify_probe', '1 day', 'interval', 'A probe of the verify script.');
    ASSERT jikan_sync.setting_interval('verify_probe') = interval '1 day';
    BEGIN
        UPDATE jikan_sync.setting SET value = 'soon' WHERE name = 'verify_probe';
        ASSERT false, 'a setting took a value of the wrong type';
    EXCEPTION
        WHEN invalid_parameter_value THEN NULL;
    END;
END;
$$;

ROLLBACK;
