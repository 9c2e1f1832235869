-- Deploy pgjikan:functions/search/normalise_season to pg
-- requires: functions/search/normalise_title

-- "2nd Season", "Season Two", "II", "S2", "第2期" and a bare final 2 are one number. A title is a
-- name and a number, so that both may be matched apart: the name of one title, another's number.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.may_have_season(words text)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT may_have_season.words ~ '[0-9期季部기]| (ii|iv|vi|ix|seaso|plat|[iv]$)';
END;

COMMENT ON FUNCTION jikan_sync.may_have_season(text) IS
'Whether `jikan_sync.split_season` is worth calling: it is dear, and most titles have no number.';

CREATE FUNCTION jikan_sync.split_season(words text, OUT name text, OUT number integer)
RETURNS record
LANGUAGE plpgsql
IMMUTABLE
STRICT
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_words text;
    v_is_part boolean := false;
    v_match text[];
    v_number text;
BEGIN
    name := words;
    IF NOT jikan_sync.may_have_season(words) THEN
        RETURN;
    END IF;
    v_words := words || ' ';
    -- "season 3 part s2" is the second part of the third.
    IF v_words LIKE '% part%' THEN
        v_words := regexp_replace(
            v_words, ' part ?(?:s|s |season )?0?([2-9]|ii+|iv)(?:(?:nd|rd|th) season)? ', ' part \1 '
        );
        v_words := replace(replace(v_words, ' part iii ', ' part 3 '), ' part ii ', ' part 2 ');
        name := btrim(v_words);
    END IF;
    -- One simple pattern a kind of marker, the surest first; one for all is ten times slower. The
    -- server keeps 32 compiled patterns: what few need is looked for only where it may be.
    IF translate(words, '0123456789', '') <> words THEN
        v_match := regexp_match(
            v_words,
            '( (?:the )?(\d\d?)(?:st|nd|rd|th|a) (?:season|series|stage|temporada) )'
        );
    END IF;
    IF v_match IS NULL
        AND v_words LIKE ANY ('{%t season %,%d season %,%h season %,%t series %,%d series %,%h series %'
        ',%t plate %,%d plate %,%h plate %}')
    THEN
        v_match := regexp_match(
            v_words,
            '( (?:the )?(first|second|third|fourth|fifth|sixth|seventh) (?:season|series|plate) )'
        );
    END IF;
    IF v_match IS NULL THEN
        v_match := regexp_match(
            v_words,
            '( (?:season|series|saison|staffel|temporada|stagione|phan|mua|s|ภาค|ภาคที่|ซีซั่น'
            '|シーズン)(?: | ?(?=\d))(\d\d?|ii+|iv|vi*|ix|x|one|two|three|four|five|six|seven) )'
        );
    END IF;
    IF v_match IS NULL AND octet_length(words) > length(words) THEN
        v_match := regexp_match(
            v_words, '( ?第? ?([1-9]\d?|[一二三四五六七八九十]) ?(?:期|季|部|기) )'
        );
    END IF;
    IF v_match IS NULL AND v_words LIKE ANY ('{% ii%,% iv %,% vi%,% ix %}') THEN
        v_match := regexp_match(v_words, '( (ii+|iv|vi+|ix) )');
    END IF;
    IF v_match IS NULL AND v_words LIKE '% part %' THEN
        v_match := regexp_match(v_words, '[^ ]( ([2-9]) )part \d ');
    END IF;
    IF v_match IS NULL AND v_words LIKE ANY ('{% part%,% cour%,% พาร์ท%,% クール%}') THEN
        v_match := regexp_match(
            v_words, '( (?:part|cour|parte|พาร์ท|クール) (\d\d?|ii+|iv|v|one|two|three|four) )'
        );
        v_is_part := v_match IS NOT NULL;
    END IF;
    IF v_match IS NULL AND right(words, 1) BETWEEN '0' AND '9' THEN
        IF words !~ '(^| )\d \d$' THEN
            v_match := regexp_match(v_words, '[^ ]( (\d\d?) )$');
        END IF;
        IF v_match IS NULL THEN
            v_match := regexp_match(v_words, '[a-z][a-z]((\d) )$');
        END IF;
    END IF;
    IF v_match IS NULL AND (words LIKE '_% i' OR words LIKE '_% v') THEN
        v_match := ARRAY[right(v_words, 3), right(words, 1)];
    END IF;
    IF v_match IS NULL OR length(btrim(v_match[1])) >= length(words) THEN
        RETURN;
    END IF;
    v_number := v_match[2];
    number := CASE
        WHEN v_number ~ '^\d+$' THEN v_number::integer
        ELSE coalesce(
            array_position('{i,ii,iii,iv,v,vi,vii,viii,ix,x}'::text[], v_number),
            array_position('{first,second,third,fourth,fifth,sixth,seventh}'::text[], v_number),
            array_position('{one,two,three,four,five,six,seven}'::text[], v_number),
            array_position('{一,二,三,四,五,六,七,八,九,十}'::text[], v_number)
        )
    END;
    IF number BETWEEN 1 AND 30 THEN
        name := btrim(
            overlay(
                v_words PLACING ' ' FROM strpos(v_words, v_match[1]) FOR length(v_match[1])
            )
        );
        -- "Da Capo II", the second: a number is left, and that is spelt in one way too.
        name := CASE
            WHEN name LIKE '% ii' THEN left(name, -2) || '2'
            WHEN name LIKE '% iii' THEN left(name, -3) || '3'
            WHEN name LIKE '% iv' THEN left(name, -2) || '4'
            WHEN name LIKE '% v' THEN left(name, -1) || '5'
            ELSE name
        END;
        number := CASE WHEN v_is_part THEN -number ELSE number END;
    ELSE
        number := NULL;
    END IF;
END;
$$;

COMMENT ON FUNCTION jikan_sync.split_season(text) IS
'The name in normalised `words` without its season number, and that number; of "part 2", -2, since
it may be the second part of any season; NULL where there is none.';

CREATE FUNCTION jikan_sync.fold_kana(words text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN octet_length(fold_kana.words) > length(fold_kana.words)
            THEN translate(
                fold_kana.words,
                'ぁあぃいぅうぇえぉおかがきぎくぐけげこごさざしじすずせぜそぞただちぢっつづてでとどなに'
                || 'ぬねのはばぱひびぴふぶぷへべぺほぼぽまみむめもゃやゅゆょよらりるれろゎわゐゑをんゔゕゖ',
                'ァアィイゥウェエォオカガキギクグケゲコゴサザシジスズセゼソゾタダチヂッツヅテデトドナニ'
                || 'ヌネノハバパヒビピフブプヘベペホボポマミムメモャヤュユョヨラリルレロヮワヰヱヲンヴヵヶ'
            )
        ELSE fold_kana.words
    END;
END;

COMMENT ON FUNCTION jikan_sync.fold_kana(text) IS
'`words` with hiragana as katakana: who writes なると means ナルト.';

CREATE FUNCTION jikan_sync.fold_title(words text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT replace(
        replace(
            replace(
                replace(jikan_sync.fold_kana(fold_title.words), ' ', ''),
                'ou',
                'o'
            ),
            'oo',
            'o'
        ),
        'uu',
        'u'
    );
END;

COMMENT ON FUNCTION jikan_sync.fold_title(text) IS
'Normalised `words` in the form in which spacing, long vowels (ou, oo, uu) and the kind of kana do
not count.';

COMMIT;
