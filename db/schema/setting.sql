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
    minimum text,
    maximum text,
    choices text[],
    description text NOT NULL,
    CONSTRAINT setting_type_check CHECK (type IN ('text', 'number', 'interval', 'boolean')),
    CONSTRAINT setting_range_check CHECK (
        type IN ('number', 'interval')
        OR minimum IS null AND maximum IS null
    ),
    CONSTRAINT setting_value_check CHECK (choices IS null OR value = any(choices))
);

COMMENT ON TABLE jikan_sync.setting IS
'What an operator may tune: `UPDATE jikan_sync.setting SET value = … WHERE name = …`, at once.';
COMMENT ON COLUMN jikan_sync.setting.name IS 'The setting, lower snake_case.';
COMMENT ON COLUMN jikan_sync.setting.value IS
'Its value as text, checked against `type` and its range.';
COMMENT ON COLUMN jikan_sync.setting.type IS
'text, number, interval or boolean.';
COMMENT ON COLUMN jikan_sync.setting.minimum IS
'The least value allowed; NULL: 0, of a number or an interval.';
COMMENT ON COLUMN jikan_sync.setting.maximum IS
'The greatest value allowed; NULL: a billion, or 100 years.';
COMMENT ON COLUMN jikan_sync.setting.choices IS 'The only values allowed; NULL: any of the type.';
COMMENT ON COLUMN jikan_sync.setting.description IS
'What it does, its unit, and where the default comes from.';

CREATE FUNCTION jikan_sync.tg_check_setting()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_least text := coalesce(NEW.minimum, '0');
    v_most text := coalesce(
        NEW.maximum, CASE NEW.type WHEN 'interval' THEN '36525 days' ELSE '1000000000' END
    );
    v_is_within boolean := true;
BEGIN
    -- NaN and infinity are greater than any bound, so they are refused with what is too great.
    IF NEW.type = 'number' THEN
        v_is_within := NEW.value::numeric BETWEEN v_least::numeric AND v_most::numeric;
    ELSIF NEW.type = 'interval' THEN
        v_is_within := NEW.value::interval BETWEEN v_least::interval AND v_most::interval;
    ELSIF NEW.type = 'boolean' THEN
        NEW.value := NEW.value::boolean::text;
    END IF;
    IF NOT v_is_within THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format(
                'setting "%s" must be from %s to %s, not %s', NEW.name, v_least, v_most, NEW.value
            ),
            HINT = NEW.description;
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
'Refuses a value that is not of the setting''s type or out of its range. Raises: 22023.';

CREATE TRIGGER check_setting
BEFORE INSERT OR UPDATE ON jikan_sync.setting
FOR EACH ROW EXECUTE FUNCTION jikan_sync.tg_check_setting();

CREATE FUNCTION jikan_sync.tg_keep_names()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_user = 'jikan_owner' THEN
        RETURN NULL;  -- a deploy or a revert
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = format(
            'rows of %I.%I are read by name: none can be added, renamed or deleted',
            TG_TABLE_SCHEMA, TG_TABLE_NAME
        ),
        HINT = 'Change the values of a row with UPDATE; rows come and go with pgjikan deploy and '
               'revert.';
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_keep_names() IS
'Refuses rows that no rule reads and the loss of those that one does, to all but deploy scripts,
which act as `jikan_owner`. Raises: 55000.';

CREATE TRIGGER keep_names
BEFORE INSERT OR DELETE OR TRUNCATE OR UPDATE OF name ON jikan_sync.setting
FOR EACH STATEMENT EXECUTE FUNCTION jikan_sync.tg_keep_names();

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
