-- Deploy pgjikan:functions/store/iso_time to pg
-- requires: schema/namespaces

-- PostgreSQL reads "tomorrow", "now" and "infinity" as times too. In a document they mean nothing:
-- each reading would give another, and a client may have no value for them.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.iso_time(said text)
RETURNS timestamptz
LANGUAGE sql
STABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        CASE
            WHEN
                iso_time.said
                ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+)?(Z|[+-][0-9]{2}:?[0-9]{2})?$'
                AND pg_input_is_valid(iso_time.said, 'timestamptz')
                THEN
                    CASE
                        WHEN iso_time.said ~ '(Z|[+-][0-9]{2}:?[0-9]{2})$'
                            THEN iso_time.said::timestamptz
                        ELSE iso_time.said::timestamp AT TIME ZONE 'UTC'
                    END
        END;
END;

COMMENT ON FUNCTION jikan_sync.iso_time(text) IS
'The time that `said` is in ISO 8601, in UTC where it names no zone; NULL where it is none.';

COMMIT;
