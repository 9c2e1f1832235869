-- Deploy pgjikan:schema/setting to pg
-- requires: schema/namespaces

-- Knobs that an operator may turn with an UPDATE, effective at once, without a deploy. Each is
-- inserted by the change whose rule reads it, with its description; a value of the wrong type is
-- refused when it is set, not when a job first trips over it at night.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.setting (
    name text PRIMARY KEY,
    value text NOT NULL,
    type text NOT NULL DEFAULT 'text',
    choices text[],
    description text NOT NULL,
    CONSTRAINT setting_type_check CHECK (type IN ('text', 'number', 'interval', 'boolean')),
    CONSTRAINT setting_value_check CHECK (choices IS NULL OR value = any(choices))
);

COMMENT ON TABLE jikan_sync.setting IS
'What an operator may tune: `UPDATE jikan_sync.setting SET value = … WHERE name = …`, at once.';
COMMENT ON COLUMN jikan_sync.setting.name IS 'The setting, lower snake_case.';
COMMENT ON COLUMN jikan_sync.setting.value IS 'Its value as text, checked against `type`.';
COMMENT ON COLUMN jikan_sync.setting.type IS
'text, number (not negative), interval (not negative) or boolean.';
COMMENT ON COLUMN jikan_sync.setting.choices IS 'The only values allowed; NULL: any of the type.';
COMMENT ON COLUMN jikan_sync.setting.description IS
'What it does, its unit, and where the default comes from.';

CREATE FUNCTION jikan_sync.tg_check_setting()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.type = 'number' AND NEW.value::numeric < 0
        OR NEW.type = 'interval' AND NEW.value::interval < interval '0'
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('setting "%s" cannot be negative: %s', NEW.name, NEW.value),
            HINT = NEW.description;
    END IF;
    IF NEW.type = 'boolean' THEN
        NEW.value := NEW.value::boolean::text;
    END IF;
    RETURN NEW;
EXCEPTION
    WHEN invalid_text_representation OR invalid_datetime_format OR datetime_field_overflow
        OR interval_field_overflow OR numeric_value_out_of_range THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('setting "%s" takes a value of type %s, not "%s"',
                             NEW.name, NEW.type, NEW.value),
            HINT = NEW.description;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_check_setting() IS
'Refuses a value that is not of the setting''s type. Raises: 22023.';

CREATE TRIGGER check_setting
BEFORE INSERT OR UPDATE ON jikan_sync.setting
FOR EACH ROW EXECUTE FUNCTION jikan_sync.tg_check_setting();

CREATE FUNCTION jikan_sync.setting_text(name text)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_value text;
BEGIN
    SELECT s.value INTO v_value FROM jikan_sync.setting AS s WHERE s.name = setting_text.name;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('there is no setting "%s"', name),
            HINT = 'SELECT name, description FROM jikan_sync.setting;';
    END IF;
    RETURN v_value;
END;
$$;

COMMENT ON FUNCTION jikan_sync.setting_text(text) IS
'The value of a setting. Raises: 22023 (no such setting).';

CREATE FUNCTION jikan_sync.setting_number(name text)
RETURNS numeric
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT jikan_sync.setting_text(setting_number.name)::numeric;
END;

COMMENT ON FUNCTION jikan_sync.setting_number(text) IS
'The value of a number setting. Raises: 22023 (no such setting).';

CREATE FUNCTION jikan_sync.setting_interval(name text)
RETURNS interval
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT jikan_sync.setting_text(setting_interval.name)::interval;
END;

COMMENT ON FUNCTION jikan_sync.setting_interval(text) IS
'The value of an interval setting. Raises: 22023 (no such setting).';

CREATE FUNCTION jikan_sync.setting_boolean(name text)
RETURNS boolean
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT jikan_sync.setting_text(setting_boolean.name)::boolean;
END;

COMMENT ON FUNCTION jikan_sync.setting_boolean(text) IS
'The value of a boolean setting. Raises: 22023 (no such setting).';

COMMIT;
