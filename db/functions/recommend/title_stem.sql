-- Deploy pgjikan:functions/recommend/title_stem to pg
-- requires: schema/namespaces

-- Which titles are of one franchise by their names alone, where relations are missing.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.title_stem(title text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    -- Of "Re:Zero" too little is left before the colon: what is behind it counts. Of "..." nothing
    -- is left at all.
    SELECT coalesce(nullif(s.stem, ''), lower(title_stem.title))
    FROM (
        SELECT
            p.place,
            btrim(
                regexp_replace(
                    p.part,
                    '(\s+\(?(\d+(st|nd|rd|th) season|season \d+|(second|third|fourth|final) season'
                    || '|(part|cour) \d+|dai \d+ ki|movie|gekijou\w*|ova|ona|oad|tv|specials?|recap'
                    || '|picture drama|pv|cm|zoku|kan|too|i{2,3}|iv|vi{0,3}|\d{1,2}|\d{4})\)?'
                    || '\W*)+$',
                    ''
                ),
                ' !?.,~-'
            ) AS stem
        FROM (
            VALUES
            (1, split_part(split_part(lower(title_stem.title), ':', 1), ' - ', 1)),
            (2, lower(title_stem.title))
        ) AS p (place, part)
    ) AS s
    WHERE s.place = 2 OR length(s.stem) >= 4
    ORDER BY s.place ASC
    LIMIT 1;
END;

COMMENT ON FUNCTION jikan_sync.title_stem(text) IS
'What titles of one franchise have in common: up to the colon, without season and kind. Of pairs
with one stem, 98 % are one franchise by MyAnimeList''s relations; it serves where those are
missing.';

CREATE FUNCTION jikan_sync.title_words(title text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT ' ' || btrim(regexp_replace(lower(title_words.title), '[^[:alnum:]]+', ' ', 'g')) || ' ';
END;

COMMENT ON FUNCTION jikan_sync.title_words(text) IS
'The words of a title between single spaces, so that whole words can be looked for in it. Of titles
that hold the stem (of 6 letters or more) of another, 92 % are of its franchise.';

COMMIT;
