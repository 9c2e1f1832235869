-- Deploy pgjikan:functions/store/document_titles to pg
-- requires: schema/namespaces

-- Jikan's list of titles, whoever sent the document: older ones have no such list but a field for
-- each kind of title, and a search must find them all.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.document_titles(
    titles jsonb,
    title text,
    title_english text,
    title_japanese text,
    title_synonyms text[]
)
RETURNS jsonb
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN
            jsonb_path_exists(
                document_titles.titles, '$[*].title ? (@.type() == "string" && @ != "")'
            )
            AND NOT jsonb_path_exists(
                document_titles.titles, 'strict $[*] ? (@.type() != "object")'
            )
            THEN document_titles.titles
        ELSE (
            SELECT
                coalesce(
                    jsonb_agg(
                        jsonb_build_object('type', t.type, 'title', t.title)
                        ORDER BY t.rank, t.place
                    ),
                    '[]'
                )
            FROM (
                VALUES
                ('Default', 1, 1::bigint, document_titles.title),
                ('Japanese', 3, 1, document_titles.title_japanese),
                ('English', 4, 1, document_titles.title_english)
                UNION ALL
                SELECT
                    'Synonym' AS type,
                    2 AS rank,
                    s.place,
                    s.title
                FROM
                    unnest(document_titles.title_synonyms) WITH ORDINALITY AS s (title, place)
            ) AS t (type, rank, place, title)
            WHERE t.title <> ''
        )
    END;
END;

COMMENT ON FUNCTION jikan_sync.document_titles(jsonb, text, text, text, text[]) IS
'The titles of a document, {type, title} each, as Jikan lists them: `titles` where that is such a
list, else made of the other fields, in Jikan''s order.';

COMMIT;
