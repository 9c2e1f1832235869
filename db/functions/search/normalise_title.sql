-- Deploy pgjikan:functions/search/normalise_title to pg
-- requires: schema/namespaces

-- The one rule of what counts as the same title, used on titles when they are stored and on queries
-- when they are asked: case, accents, width, marks and spacing do not count. The same in every
-- database locale (collation pg_c_utf8); plain ASCII takes the short way, since every title passes.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.normalise_unicode(title text)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
STRICT
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_title text COLLATE pg_c_utf8 := translate(
        replace(title, '×', ' x '), '’‘ʼ´′øØłŁđĐıæÆ', '''''''''''oOlLdDiaA'
    );
BEGIN
    -- Accents go, the voicing marks of kana and the vowel signs of Indic and Thai script stay.
    v_title := regexp_replace(
        normalize(v_title, NFKD),
        '[\u0300-\u036f\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]+', '', 'g'
    );
    v_title := lower(normalize(v_title, NFC) COLLATE pg_c_utf8);
    v_title := replace(replace(replace(v_title, '''', ''), '@', 'a'), '&', ' and ');
    v_title := regexp_replace(
        v_title, '[^[:alnum:]\u0591-\u05c7\u0610-\u06ff\u0900-\u0eff]+', ' ', 'g'
    );
    -- "ダンまちIV" is a name and a number.
    IF v_title ~ '[\u3040-\u9fff\uac00-\ud7af][0-9a-z]' THEN
        v_title := regexp_replace(
            v_title, '([\u3040-\u9fff\uac00-\ud7af])([0-9a-z])', '\1 \2', 'g'
        );
    END IF;
    RETURN btrim(v_title);
END;
$$;

COMMENT ON FUNCTION jikan_sync.normalise_unicode(text) IS
'The part of `jikan_sync.normalise_title` that text beyond ASCII needs: accents, width, other
scripts'' marks.';

CREATE FUNCTION jikan_sync.normalise_title(title text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN octet_length(normalise_title.title) > length(normalise_title.title)
            THEN jikan_sync.normalise_unicode(normalise_title.title)
        ELSE btrim(
            regexp_replace(
                replace(
                    replace(
                        replace(lower(normalise_title.title COLLATE pg_c_utf8), '''', ''),
                        '@',
                        'a'
                    ),
                    '&',
                    ' and '
                ),
                '[^a-z0-9]+',
                ' ',
                'g'
            )
        )
    END;
END;

COMMENT ON FUNCTION jikan_sync.normalise_title(text) IS
'The words of `title` as search compares them: lower case, no accents, no marks, single spaces.';

CREATE FUNCTION jikan_sync.marked_title(title text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT replace(
        lower(
            CASE
                WHEN octet_length(marked_title.title) > length(marked_title.title)
                    THEN translate(
                        normalize(marked_title.title, NFKC),  -- noqa: CP02
                        '’‘ʼ´′',
                        ''''''''''''
                    )
                ELSE marked_title.title
            END COLLATE pg_c_utf8
        ),
        ' & ',
        ' and '
    );
END;

COMMENT ON FUNCTION jikan_sync.marked_title(text) IS
'`title` to the mark: what tells "K-ON!!" from "K-ON!". Only case, width, the shape of an apostrophe
and "&" for "and" do not count.';

COMMIT;
