-- Deploy pgjikan:functions/document_fault to pg
-- requires: schema/anime_document

-- What can be told of a JSON document before it is stored: its mal_id, and why it is not a Jikan
-- Anime object.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.document_fault(document jsonb)
RETURNS text
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT CASE
        WHEN jsonb_typeof(document_fault.document) <> 'object'
            THEN format('is %s, not an object', jsonb_typeof(document_fault.document))
        ELSE (
            SELECT
                format(
                    '%s is %s, not %s',
                    f.name,
                    coalesce(jsonb_typeof(document_fault.document -> f.name), 'missing'),
                    array_to_string(f.json_types, ' or ')
                )
            FROM jikan_sync.document_field AS f
            WHERE
                coalesce(
                    jsonb_typeof(document_fault.document -> f.name) <> all(f.json_types),
                    f.is_required
                )
            ORDER BY f.is_required DESC, f.name
            LIMIT 1
        )
    END;
END;

COMMENT ON FUNCTION jikan_sync.document_fault(jsonb) IS
'Why `document` is not a Jikan Anime object, as "field is type, not type"; NULL where it is one.';

CREATE FUNCTION jikan_sync.document_mal_id(document jsonb)
RETURNS integer
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN
            jsonb_typeof(document_mal_id.document -> 'mal_id') = 'number'
            AND (document_mal_id.document ->> 'mal_id') ~ '^[1-9][0-9]{0,8}$'
            THEN (document_mal_id.document ->> 'mal_id')::integer
    END;
END;

COMMENT ON FUNCTION jikan_sync.document_mal_id(jsonb) IS
'The mal_id of a document; NULL where it has none that can be one.';

CREATE FUNCTION jikan_sync.json_list(list jsonb)
RETURNS jsonb
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE jsonb_typeof(json_list.list) WHEN 'array' THEN json_list.list ELSE '[]' END;
END;

COMMENT ON FUNCTION jikan_sync.json_list(jsonb) IS
'`list` where it is a JSON array, else an empty one.';

COMMIT;
