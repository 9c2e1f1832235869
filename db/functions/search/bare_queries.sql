-- Deploy pgjikan:functions/search/bare_queries to pg
-- requires: functions/search/search_lookup

-- What programs and people type around a title: "[Group] TITLE (2013) S01E05 [1080p].mkv", "watch
-- TITLE online". Taken away from the ends, one thing a step, the surest first, so that the first
-- step at which a title is left is the one that was meant.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TYPE jikan_sync.bare_query AS (
    query text,
    year integer,
    types text []
);

COMMENT ON TYPE jikan_sync.bare_query IS
'What is left of a search without the words that are no part of a title, and what those say: the
year, and the types, any of which the anime should be of.';

CREATE FUNCTION jikan_sync.meant_types(word text)
RETURNS text[]
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN meant_types.word IN ('tv', 'tv series') THEN '{TV}'::text[]
        WHEN meant_types.word IN ('ova', 'oav') THEN '{OVA}'::text[]
        WHEN meant_types.word = 'ona' THEN '{ONA}'::text[]
        WHEN meant_types.word IN ('movie', 'the movie', 'film') THEN '{Movie}'::text[]
        WHEN meant_types.word IN ('special', 'specials') THEN '{Special,TV Special}'::text[]
        WHEN meant_types.word = 'tv special' THEN '{TV Special}'::text[]
        WHEN meant_types.word = 'music' THEN '{Music}'::text[]
        WHEN meant_types.word = 'cm' THEN '{CM}'::text[]
        WHEN meant_types.word = 'pv' THEN '{PV}'::text[]
    END;
END;

COMMENT ON FUNCTION jikan_sync.meant_types(text) IS
'The types of anime that a word, in lower case, names; NULL: none.';

CREATE FUNCTION jikan_sync.bare_end(typed text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    -- By plain looks: of so many words a pattern takes longer to compile than a search takes.
    SELECT CASE
        WHEN
            split_part(translate(bare_end.typed, '-', ' '), ' ', -1) = any(
                '{tv,special,specials,series,ova,oav,ona,movie,film,music,cm,pv,watch,online,free'
                ',full,hd,anime,all,episode,episodes,streaming,stream,download,batch,complete'
                ',uncensored,uncut,remastered,raw,multi,eng,english,vostfr,sub,subs,subbed'
                ',subtitled,subtitles,dub,dubs,dubbed,bd,bdrip,bdremux,bluray,brrip,dvd,dvdrip,web'
                ',webdl,webrip,hdtv,remux,hevc,avc,x264,x265,h264,h265,h.264,h.265,8bit,8bits'
                ',10bit,10bits,flac,aac,ac3,opus,av1,4k,uhd,indo,ger,german,french,español,spanish'
                ',italian,japanese,s1,s01,1期,第1期,第一期}'
            )
            OR (
                translate(
                    split_part(translate(bare_end.typed, '-', ' '), ' ', -1), '0123456789', ''
                ) = 'p'
                AND right(bare_end.typed, 1) = 'p'
                AND length(split_part(translate(bare_end.typed, '-', ' '), ' ', -1)) BETWEEN 4 AND 5
            )
            THEN split_part(translate(bare_end.typed, '-', ' '), ' ', -1)
        WHEN
            split_part(translate(bare_end.typed, '-', ' '), ' ', -2)
            || ' '
            || split_part(translate(bare_end.typed, '-', ' '), ' ', -1) = any(
                '{dual audio,blu ray,web dl,8 bit,8 bits,10 bit,10 bits,h 264,h 265,season 1'
                ',season 01,1st season,first season}'
            )
            THEN
                split_part(translate(bare_end.typed, '-', ' '), ' ', -2)
                || ' '
                || split_part(translate(bare_end.typed, '-', ' '), ' ', -1)
    END;
END;

COMMENT ON FUNCTION jikan_sync.bare_end(text) IS
'The last word of a query, or the last two, if they say something about a title and are seldom part
of one: "anime", "dub", "season 1"; a space for each hyphen. NULL: they are not.';

CREATE FUNCTION jikan_sync.may_be_bare(typed text)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        may_be_bare.typed ~ '[][(){}【】._/0-9–—-]'
        OR split_part(may_be_bare.typed, ' ', 1) = any('{where,watch,stream,download,anime}')
        OR jikan_sync.bare_end(may_be_bare.typed) IS NOT NULL;
END;

COMMENT ON FUNCTION jikan_sync.may_be_bare(text) IS
'Whether `jikan_sync.bare_queries` is worth calling: most queries are letters and blanks, none of
its words among them.';

CREATE FUNCTION jikan_sync.bare_queries(typed text)
RETURNS jikan_sync.bare_query[]
LANGUAGE plpgsql
IMMUTABLE
STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c_steps CONSTANT integer := 12;
    c_extension CONSTANT text :=
        '\.(mkv|mp4|avi|m4v|webm|ogm|mov|wmv|flv|ts|srt|ass|ssa|zip|rar|7z|torrent)$';
    -- What stands in a release's name behind the title, from which on all is about the release.
    c_release CONSTANT text :=
        '[0-9]{3,4}p|4k|uhd|blu-?ray|bd-?rip|bdremux|brrip|dvdrip|web-?dl|webrip|hdtv|remux|hevc'
        '|x26[45]|h\.?26[45]|10bit|flac|aac|opus|av1';
    -- Parts of c_release: a plain look tells in a tenth of the time that it need not be tried.
    c_release_parts CONSTANT text[] :=
        '{%0p%,%1p%,%2p%,%3p%,%4p%,%5p%,%6p%,%7p%,%8p%,%9p%,%4k%,%uhd%,%blu%,%rip%,%web%,%x26%,%h.26%'
        ',%h26%,%hevc%,%hdtv%,%remux%,%bit%,%aac%,%av1%,%flac%,%opus%}'::text[];
    c_year CONSTANT text := '(?:19[0-9]|20[0-3])[0-9]';
    v_is_led boolean := false;
    v_bare jikan_sync.bare_query := (typed, NULL, NULL);
    v_bares jikan_sync.bare_query[] := '{}'::jikan_sync.bare_query[];
    -- What is a letter is the same in every database locale.
    v_rest text COLLATE pg_c_utf8 := typed;
    v_word text;
    v_match text[];
BEGIN
    IF strpos(typed, ' ') = 0 AND typed LIKE ANY ('{%.%.%,%\\_%\\_%,%.%\\_%}') THEN
        v_rest := btrim(translate(regexp_replace(typed, c_extension, ''), '._', '  '));
    ELSIF strpos(typed, '_') > 0 THEN
        v_rest := btrim(translate(typed, '_', ' '));
    END IF;
    -- "Naruto (2002)/Season 1/Naruto - S01E05.mkv"
    IF strpos(v_rest, '/') > 0 AND v_rest ~ '(\)|season [0-9]+)/.' THEN
        v_rest := CASE
            WHEN v_rest ~ '/season [0-9]+/?$' THEN rtrim(replace(v_rest, '/', ' '))
            ELSE regexp_replace(v_rest, '^.*(\)|season [0-9]+)/', '')
        END;
    END IF;
    FOR v_step IN 1 .. c_steps LOOP
        -- The surest first. Each is looked for only where a plain look says that it may be.
        v_match := NULL;
        IF strpos(v_rest, '.') > 0 THEN
            v_match := regexp_match(v_rest, '^(.+)' || c_extension);
        END IF;
        IF v_match IS NULL AND right(v_rest, 1) = ANY ('{],"}",】}') THEN
            v_match := regexp_match(
                v_rest, '^(.*[^ ]) *(\[[^][]*\]|\{[^{}]*\}|【[^】]*】)$'
            );
            IF v_match[1] ~ '^(\[[^][]*\]|【[^】]*】)$' THEN
                v_match := NULL;  -- "[Group] [Oshi no Ko]": not the title
            END IF;
        END IF;
        IF v_match IS NULL
            AND split_part(v_rest, ' ', 1) = ANY ('{where,watch,stream,download,anime}')
        THEN
            v_match := regexp_match(
                v_rest, '^(?:where to watch|watch|stream|download|anime) +(.+)$'
            );
        END IF;
        IF v_match IS NULL AND right(v_rest, 1) = ')' THEN
            v_match := regexp_match(v_rest, '^(.*[^ ]) *\(([^()]*)\)$');
            IF v_match[2] ~ ('^' || c_year || '(-' || c_year || ')?$') THEN
                v_bare.year := left(v_match[2], 4)::integer;
            ELSE
                v_bare.types := coalesce(jikan_sync.meant_types(v_match[2]), v_bare.types);
            END IF;
        END IF;
        IF v_match IS NULL AND v_rest LIKE ANY (c_release_parts) THEN
            v_match := regexp_match(v_rest, '^(.*?[^ -])[ -]+(?:' || c_release || ')\M.+$');
        END IF;
        IF v_match IS NULL AND strpos(v_rest, '(') > 0 THEN
            v_match := regexp_match(
                v_rest,
                '^(.*[^ ]) *\((' || c_year || ')(?:-' || c_year || ')?\)'
                || ' *(s[0-9]{1,2}|season [0-9]{1,2})$'
            );
            IF v_match IS NOT NULL THEN
                v_bare.year := v_match[2]::integer;
                v_match[1] := v_match[1] || ' ' || v_match[3];
            END IF;
        END IF;
        IF v_match IS NULL AND v_rest LIKE ANY ('{% s__e%,% s__ e%,% s_e%}') THEN
            v_match := regexp_match(
                v_rest, '^(.*[^ -])[ -]+(s[0-9]{1,2}) ?e[0-9]{1,4}(v[0-9])?\M'
            );
            IF v_match IS NOT NULL THEN
                v_match[1] := v_match[1] || ' ' || v_match[2];
            END IF;
        END IF;
        IF v_match IS NULL AND right(v_rest, 1) = '0' AND v_rest ~ ' (s|season )00?$' THEN
            v_match := ARRAY[regexp_replace(v_rest, '[ -]+(s|season )00?$', '')];
            v_bare.types := '{Special,"TV Special",OVA}';
        END IF;
        IF v_match IS NULL AND v_rest LIKE ANY ('{% -%,% –%,% —%}')
            AND v_rest ~ ' [-–—] ?[0-9]+(v[0-9])? [-–—] '
        THEN
            v_match := regexp_match(v_rest, '^(.*?[^ -]) +[-–—] ?[0-9]{1,4}(?:v[0-9])? [-–—] ');
        END IF;
        IF v_match IS NULL AND right(v_rest, 1) BETWEEN '0' AND '9' THEN
            IF v_rest LIKE ANY ('{%-%,%–%,%—%,% e%,%#%,% _x_%,% __x_%}') THEN
                v_match := regexp_match(
                    v_rest,
                    '^(.*[^ -]) +'
                    '(?:(?:-|–|—) *|[ -]*(?:episodes?|eps?|e|#)[ .]*|[0-9]{1,2}x)'
                    '[0-9]{1,4}(?:\.5|v[0-9]| ?- ?[0-9]{1,4})?$'
                );
            END IF;
            IF v_match IS NULL AND v_rest LIKE ANY ('{%19__,%20__}') THEN
                v_match := regexp_match(v_rest, '^(.*[^ -])[ -]+(' || c_year || ')$');
                IF v_match IS NOT NULL THEN
                    v_bare.year := v_match[2]::integer;
                END IF;
            END IF;
        END IF;
        IF v_match IS NULL THEN
            v_word := jikan_sync.bare_end(v_rest);
            IF length(v_word) < length(v_rest) THEN
                v_match := ARRAY[nullif(rtrim(left(v_rest, -length(v_word)), ' -'), '')];
                v_bare.types := coalesce(jikan_sync.meant_types(v_word), v_bare.types);
            END IF;
        END IF;
        -- Who made the release, at last, and once: "[SubsPlease] [Oshi no Ko] - 05".
        IF v_match IS NULL AND NOT v_is_led AND left(v_rest, 1) = ANY ('{[,【}') THEN
            v_match := regexp_match(v_rest, '^(?:\[[^][]*\]|【[^】]*】) *([^ -].*)$');
            v_is_led := true;
        END IF;
        v_rest := v_match[1];
        EXIT WHEN v_rest IS NULL OR v_rest !~ '[[:alnum:]]';
        v_bare.query := v_rest;
        v_bares := v_bares || v_bare;
    END LOOP;
    RETURN v_bares;
END;
$$;

COMMENT ON FUNCTION jikan_sync.bare_queries(text) IS
'What is left of a query, as `jikan_sync.marked_title` has it, when file extensions, [tags], years,
types, episodes, "watch", "sub", "1080p" and the like are taken from its ends, one thing after the
other; at last "season 1". Empty where there is nothing of that.';

CREATE FUNCTION jikan_sync.is_title(query text)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_words CONSTANT text := jikan_sync.normalise_query(query);
    v_key CONSTANT text := jikan_sync.fold_title(v_words);
    v_season record;
    v_base text;
BEGIN
    IF coalesce(v_key, '') = '' THEN
        RETURN false;
    END IF;
    IF EXISTS (SELECT FROM jikan_sync.find_key(v_key, v_key || chr(1), 1)) THEN
        RETURN true;
    END IF;
    v_season := jikan_sync.split_season(v_words);
    IF coalesce(v_season.number, 1) = 1 THEN
        RETURN false;
    END IF;
    v_base := jikan_sync.fold_title(v_season.name);
    RETURN EXISTS (
        SELECT FROM jikan_sync.find_key(v_base, v_base || U&'\+10FFFF', 90) AS t
        WHERE t.base = v_base AND abs(t.number) = abs(v_season.number)
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.is_title(text) IS
'Whether an anime has the title `query`, whatever its marks, or is the season of it that is asked
for.';

COMMIT;
