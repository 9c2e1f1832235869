-- Deploy pgjikan:functions/v4/errors to pg
-- requires: schema/v4_route
-- requires: functions/v4/write_rows

-- The bodies of refusals and failures, to the letter as Jikan was recorded saying them.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.v4_error(
    status integer, type text, message text, error text DEFAULT NULL
)
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        '{"status":' || v4_error.status::text
        || ',"type":' || jikan_sync.json_text(v4_error.type)
        || ',"message":' || jikan_sync.json_text(v4_error.message)
        || ',"error":' || jikan_sync.json_text(v4_error.error) || '}';
END;

COMMENT ON FUNCTION jikan_sync.v4_error(integer, text, text, text) IS 'The body of a failure.';

CREATE FUNCTION jikan_sync.v4_no_route()
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_answer jikan_sync.v4_answer;
BEGIN
    v_answer.status := 404;
    v_answer.body := jikan_sync.v4_error(404, 'HttpException', 'Not Found');
    RETURN v_answer;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_no_route() IS 'The answer to a path that is no route.';

CREATE FUNCTION jikan_sync.v4_loop()
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_answer jikan_sync.v4_answer;
BEGIN
    v_answer.status := 508;
    v_answer.body := jikan_sync.v4_error(
        508, 'HttpException', 'Loop Detected: this gateway is over the database that asks'
    );
    RETURN v_answer;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_loop() IS
'The answer to a sidecar whose provider is a gateway over its own database.';

CREATE FUNCTION jikan_sync.v4_invalid(messages jsonb)
RETURNS jikan_sync.v4_answer
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_answer jikan_sync.v4_answer;
BEGIN
    v_answer.status := 400;
    SELECT
        '{"status":400,"type":"ValidationException","messages":{'
        || string_agg(
            jikan_sync.json_text(m.name) || ':[' || m.words || ']', ',' ORDER BY m.place
        )
        || '},"error":"Invalid or incomplete request. Make sure your request is correct. '
        || 'https://docs.api.jikan.moe/"}'
    INTO v_answer.body
    FROM (
        SELECT
            messages ->> (2 * i.number) AS name,
            min(i.number) AS place,
            string_agg(
                jikan_sync.json_text(messages ->> (2 * i.number + 1)), ',' ORDER BY i.number
            ) AS words
        FROM generate_series(0, jsonb_array_length(messages) / 2 - 1) AS i (number)
        GROUP BY messages ->> (2 * i.number)
    ) AS m;
    RETURN v_answer;
END;
$$;

COMMENT ON FUNCTION jikan_sync.v4_invalid(jsonb) IS
'The answer to a request whose parameters are wrong: `messages` has name and message in turn.';

COMMIT;
