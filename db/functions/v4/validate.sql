-- Deploy pgjikan:functions/v4/validate to pg
-- requires: schema/v4_route

-- Which route a path is, and whether what comes with it is in order. All faults are told at once,
-- in the words of `jikan_sync.v4_message`.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.v4_find_route(path text)
RETURNS jikan_sync.v4_route
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_depth integer := length(path) - length(replace(path, '/', ''));
    v_route jikan_sync.v4_route;
BEGIN
    SELECT r.*
    INTO v_route
    FROM jikan_sync.v4_route AS r
    WHERE r.depth = v_depth
        AND path LIKE r.likeness
    ORDER BY r.likeness = r.pattern DESC, r.pattern
    LIMIT 1;
    RETURN v_route;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_find_route(text) IS
'The route of a path without version, double and trailing slashes; NULL: there is none.';

CREATE FUNCTION jikan_sync.v4_message(
    rule text, parameter jikan_sync.v4_parameter, value text, other text DEFAULT NULL
)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_words text;
BEGIN
    SELECT m.words INTO STRICT v_words
    FROM jikan_sync.v4_message AS m
    WHERE m.rule = v4_message.rule;
    v_words := replace(v_words, '{name}', replace(parameter.name, '_', ' '));
    v_words := replace(v_words, '{least}', coalesce(trim_scale(parameter.least)::text, ''));
    v_words := replace(v_words, '{most}', coalesce(trim_scale(parameter.most)::text, ''));
    v_words := replace(v_words, '{other}', coalesce(other, ''));
    RETURN replace(v_words, '{value}', left(value, 40));
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_message(text, jikan_sync.v4_parameter, text, text) IS
'What a request is told whose parameter breaks a rule.';

CREATE FUNCTION jikan_sync.v4_read_value(
    parameter jikan_sync.v4_parameter,
    text_value text,
    OUT value jsonb,
    OUT fault text
)
RETURNS record
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- An empty value of a boolean is true, of anything else it is none.
    IF text_value = '' AND parameter.type <> 'boolean' THEN
        RETURN;
    END IF;
    CASE parameter.type
        WHEN 'id' THEN
            IF text_value !~ '^[0-9]{1,18}$' OR text_value::bigint = 0 THEN
                fault := 'integer';
            ELSE
                value := to_jsonb(text_value::bigint);
            END IF;
        WHEN 'year' THEN
            IF text_value !~ '^[1-9][0-9]{3}$' THEN
                fault := 'integer';
            ELSE
                value := to_jsonb(text_value::integer);
            END IF;
        WHEN 'integer', 'limit' THEN
            IF text_value !~ '^[+-]?[0-9]{1,9}$' THEN
                fault := 'integer';
            ELSIF text_value::integer < parameter.least THEN
                fault := 'least';
            ELSIF text_value::integer > parameter.most THEN
                fault := 'limit';
            ELSE
                value := to_jsonb(text_value::integer);
            END IF;
        WHEN 'number' THEN
            IF text_value !~ '^[+-]?([0-9]{1,9}(\.[0-9]{0,9})?|\.[0-9]{1,9})$' THEN
                fault := 'number';
            ELSIF text_value::numeric NOT BETWEEN parameter.least AND parameter.most THEN
                fault := 'between';
            ELSE
                value := to_jsonb(text_value::numeric);
            END IF;
        WHEN 'boolean' THEN
            value := CASE
                WHEN text_value IN ('', 'true', '1') THEN 'true'
                WHEN text_value IN ('false', '0') THEN 'false'
            END;
            fault := CASE WHEN value IS NULL THEN 'boolean' END;
        WHEN 'word' THEN
            SELECT to_jsonb(w.word)
            INTO value
            FROM jikan_sync.v4_word AS w
            WHERE w.kind = parameter.words AND w.word = lower(text_value);
            fault := CASE WHEN value IS NULL THEN 'word' END;
        WHEN 'ids' THEN
            IF length(text_value) > parameter.most THEN
                fault := 'length';
                RETURN;
            END IF;
            -- What is no id is nobody's: 0.
            SELECT to_jsonb(array_agg(
                CASE WHEN btrim(i.id) ~ '^[0-9]{1,7}$' THEN btrim(i.id)::integer ELSE 0 END
            ))
            INTO value
            FROM string_to_table(text_value, ',') AS i (id)
            WHERE btrim(i.id) <> '';
        WHEN 'date' THEN
            IF text_value !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'
                OR NOT pg_input_is_valid(text_value, 'date')
            THEN
                fault := 'date';
            ELSE
                value := to_jsonb(text_value);
            END IF;
        WHEN 'text', 'letter' THEN
            IF length(text_value) > parameter.most THEN
                fault := 'length';
            ELSIF text_value ~ '[[:cntrl:]]'
                OR parameter.type = 'letter' AND text_value !~ '[[:alpha:]]'
            THEN
                fault := 'format';
            ELSE
                value := to_jsonb(text_value);
            END IF;
    END CASE;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_read_value(jikan_sync.v4_parameter, text) IS
'The value that a parameter was given, or the rule that it breaks; neither where it counts as not
given.';

CREATE FUNCTION jikan_sync.v4_validate(
    route jikan_sync.v4_route,
    path text,
    query jsonb,
    OUT parameters jsonb,
    OUT messages jsonb,
    OUT is_route boolean
)
RETURNS record
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_parts text[] := string_to_array(path, '/');
    v_pattern text[] := string_to_array(route.pattern, '/');
    v_parameter jikan_sync.v4_parameter;
    v_read record;
BEGIN
    parameters := '{}';
    messages := '[]';
    is_route := true;
    FOR v_parameter IN
        SELECT p.*
        FROM jikan_sync.v4_parameter AS p
        WHERE p.pattern = route.pattern
            AND (p.is_in_path OR query ? p.name)
        ORDER BY p.place
    LOOP
        IF v_parameter.is_in_path THEN
            v_read := jikan_sync.v4_read_value(
                v_parameter,
                v_parts[array_position(v_pattern, '{' || v_parameter.name || '}')]
            );
            IF v_read.value IS NULL THEN
                is_route := false;
                RETURN;
            END IF;
        ELSE
            v_read := jikan_sync.v4_read_value(
                v_parameter, coalesce(query ->> v_parameter.name, '')
            );
        END IF;
        IF v_read.fault IS NOT NULL THEN
            messages := messages || jsonb_build_array(v_parameter.name, jikan_sync.v4_message(
                v_read.fault, v_parameter, query ->> v_parameter.name
            ));
        ELSIF v_read.value IS NOT NULL THEN
            parameters := parameters || jsonb_build_object(v_parameter.name, v_read.value);
        END IF;
    END LOOP;
    IF route.pattern = '/anime' THEN
        messages := messages || jikan_sync.v4_validate_search(parameters);
    END IF;
END;
$$;

CREATE FUNCTION jikan_sync.v4_validate_search(parameters jsonb)
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_rule record;
    v_parameter jikan_sync.v4_parameter;
    v_messages jsonb := '[]';
BEGIN
    FOR v_rule IN
        SELECT r.name, r.rule, r.other
        FROM (
            VALUES
            (
                'letter', 'prohibits', 'q',
                parameters ? 'letter' AND parameters ? 'q'
            ),
            (
                'score', 'prohibits', 'min score / max score',
                parameters ? 'score' AND parameters ?| '{min_score,max_score}'
            ),
            (
                'min_score', 'at_most', parameters ->> 'max_score',
                (parameters ->> 'min_score')::numeric > (parameters ->> 'max_score')::numeric
            ),
            (
                'max_score', 'at_least', parameters ->> 'min_score',
                (parameters ->> 'min_score')::numeric > (parameters ->> 'max_score')::numeric
            ),
            (
                'start_date', 'before', 'end date',
                (parameters ->> 'start_date')::date > (parameters ->> 'end_date')::date
            ),
            (
                'end_date', 'after', 'start date',
                (parameters ->> 'start_date')::date > (parameters ->> 'end_date')::date
            )
        ) AS r (name, rule, other, is_broken)
        WHERE r.is_broken
    LOOP
        v_parameter.name := v_rule.name;
        v_messages := v_messages || jsonb_build_array(
            v_rule.name, jikan_sync.v4_message(v_rule.rule, v_parameter, '', v_rule.other)
        );
    END LOOP;
    RETURN v_messages;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_validate_search(jsonb) IS
'What parameters of a search that are each in order have against each other: name and message in
turn.';

COMMENT ON FUNCTION jikan_sync.v4_validate(jikan_sync.v4_route, text, jsonb) IS
'Reads what a request gives: `parameters` as values, `messages` (name and message in turn) where
something is wrong, `is_route`: whether the path''s own parts are what the route takes.';

COMMIT;
