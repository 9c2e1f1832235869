-- Deploy pgjikan:functions/store/document_fault to pg
-- requires: schema/anime_document

-- What can be told of a JSON document before it is stored: its mal_id, and why it is not a Jikan
-- Anime object.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.fits_field(value jsonb, json_types text[])
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        jsonb_typeof(fits_field.value) = any(fits_field.json_types)
        -- How PHP writes an object that has nothing in it.
        OR fits_field.value = '[]' AND 'object' = any(fits_field.json_types);
END;

COMMENT ON FUNCTION jikan_sync.fits_field(jsonb, text[]) IS
'Whether `value` may stand in a field that takes `json_types`; an empty array may stand for an
object, and is none.';

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
                    NOT jikan_sync.fits_field(document_fault.document -> f.name, f.json_types),
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

COMMIT;
