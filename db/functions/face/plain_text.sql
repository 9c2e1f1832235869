-- Deploy pgjikan:functions/face/plain_text to pg
-- requires: schema/namespaces

-- Some upstreams send text as HTML has it: "Pok&eacute;mon", "Chuunibyou demo&hellip;". The columns
-- of jikan.anime keep what was sent, since that is what a Jikan API gives back; what people and the
-- search read is decoded, once, where it is made from those.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION anime.decode_entities(said text)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
STRICT
PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- From U+00A0 on.
    c_latin CONSTANT text[] :=
        '{nbsp,iexcl,cent,pound,curren,yen,brvbar,sect,uml,copy,ordf,laquo,not,shy,reg,macr,deg,'
        'plusmn,sup2,sup3,acute,micro,para,middot,cedil,sup1,ordm,raquo,frac14,frac12,frac34,'
        'iquest,Agrave,Aacute,Acirc,Atilde,Auml,Aring,AElig,Ccedil,Egrave,Eacute,Ecirc,Euml,'
        'Igrave,Iacute,Icirc,Iuml,ETH,Ntilde,Ograve,Oacute,Ocirc,Otilde,Ouml,times,Oslash,Ugrave,'
        'Uacute,Ucirc,Uuml,Yacute,THORN,szlig,agrave,aacute,acirc,atilde,auml,aring,aelig,ccedil,'
        'egrave,eacute,ecirc,euml,igrave,iacute,icirc,iuml,eth,ntilde,ograve,oacute,ocirc,otilde,'
        'ouml,divide,oslash,ugrave,uacute,ucirc,uuml,yacute,thorn,yuml}'::text[];
    c_other CONSTANT jsonb :=
        '{"quot":34,"amp":38,"apos":39,"lt":60,"gt":62,"OElig":338,"oelig":339,"Scaron":352,'
        '"scaron":353,"Yuml":376,"fnof":402,"circ":710,"tilde":732,"Alpha":913,"Beta":914,'
        '"Gamma":915,"Delta":916,"Epsilon":917,"Zeta":918,"Eta":919,"Theta":920,"Iota":921,'
        '"Kappa":922,"Lambda":923,"Mu":924,"Nu":925,"Xi":926,"Omicron":927,"Pi":928,"Rho":929,'
        '"Sigma":931,"Tau":932,"Upsilon":933,"Phi":934,"Chi":935,"Psi":936,"Omega":937,'
        '"alpha":945,"beta":946,"gamma":947,"delta":948,"epsilon":949,"zeta":950,"eta":951,'
        '"theta":952,"iota":953,"kappa":954,"lambda":955,"mu":956,"nu":957,"xi":958,"omicron":959,'
        '"pi":960,"rho":961,"sigmaf":962,"sigma":963,"tau":964,"upsilon":965,"phi":966,"chi":967,'
        '"psi":968,"omega":969,"thetasym":977,"upsih":978,"piv":982,"ensp":8194,"emsp":8195,'
        '"thinsp":8201,"zwnj":8204,"zwj":8205,"lrm":8206,"rlm":8207,"ndash":8211,"mdash":8212,'
        '"lsquo":8216,"rsquo":8217,"sbquo":8218,"ldquo":8220,"rdquo":8221,"bdquo":8222,'
        '"dagger":8224,"Dagger":8225,"bull":8226,"hellip":8230,"permil":8240,"prime":8242,'
        '"Prime":8243,"lsaquo":8249,"rsaquo":8250,"oline":8254,"frasl":8260,"euro":8364,'
        '"image":8465,"weierp":8472,"real":8476,"trade":8482,"alefsym":8501,"larr":8592,'
        '"uarr":8593,"rarr":8594,"darr":8595,"harr":8596,"crarr":8629,"lArr":8656,"uArr":8657,'
        '"rArr":8658,"dArr":8659,"hArr":8660,"forall":8704,"part":8706,"exist":8707,"empty":8709,'
        '"nabla":8711,"isin":8712,"notin":8713,"ni":8715,"prod":8719,"sum":8721,"minus":8722,'
        '"lowast":8727,"radic":8730,"prop":8733,"infin":8734,"ang":8736,"and":8743,"or":8744,'
        '"cap":8745,"cup":8746,"int":8747,"there4":8756,"sim":8764,"cong":8773,"asymp":8776,'
        '"ne":8800,"equiv":8801,"le":8804,"ge":8805,"sub":8834,"sup":8835,"nsub":8836,"sube":8838,'
        '"supe":8839,"oplus":8853,"otimes":8855,"perp":8869,"sdot":8901,"lceil":8968,"rceil":8969,'
        '"lfloor":8970,"rfloor":8971,"lang":9001,"rang":9002,"loz":9674,"spades":9824,'
        '"clubs":9827,"hearts":9829,"diams":9830}'::jsonb;
BEGIN
    RETURN (
        SELECT
            string_agg(
                p.before || CASE
                    WHEN c.code IN (9, 10, 13)
                        OR c.code BETWEEN 32 AND 126
                        OR c.code BETWEEN 160 AND 55295
                        OR c.code BETWEEN 57344 AND 1114111
                        THEN chr(c.code)
                    ELSE p.entity
                END,
                '' ORDER BY m.place
            )
        FROM regexp_matches(
            said,
            '([^&]*)(&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,9});|&|$)',
            'g'
        ) WITH ORDINALITY AS m (parts, place)
        CROSS JOIN LATERAL (SELECT m.parts[1] AS before, m.parts[2] AS entity) AS p
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN p.entity ~ '^&#[xX]'
                    THEN ('x' || lpad(substr(p.entity, 4, length(p.entity) - 4), 8, '0'))::bit(32)::integer
                WHEN p.entity ~ '^&#' THEN substr(p.entity, 3, length(p.entity) - 3)::integer
                ELSE coalesce(
                    (c_other ->> btrim(p.entity, '&;'))::integer,
                    array_position(c_latin, btrim(p.entity, '&;')) + 159
                )
            END AS code
        ) AS c
    );
END;
$$;

COMMENT ON FUNCTION anime.decode_entities(text) IS
'`said` with the entities of HTML 4 (and `&apos;`), named or by number, as the characters that they
stand for, decoded once. What is no entity stays, as does one for a control character.';

CREATE FUNCTION anime.plain_text(said text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        -- Many titles have an "&" that begins no entity, and to decode is dear.
        WHEN strpos(plain_text.said, '&') > 0 AND plain_text.said LIKE '%&%;%'
            THEN anime.decode_entities(plain_text.said)
        ELSE plain_text.said
    END;
END;

COMMENT ON FUNCTION anime.plain_text(text) IS
'Text of an upstream as people read it: without HTML entities. Titles and synopses of this schema
are that already; use it for what you take out of documents yourself.';

CREATE FUNCTION jikan_sync.plain_entries(entries jsonb, field text)
RETURNS jsonb
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE
        WHEN
            strpos(plain_entries.entries::text, '&') > 0
            AND jsonb_typeof(plain_entries.entries) = 'array'
            THEN (
                SELECT
                    jsonb_agg(
                        CASE jsonb_typeof(e.entry -> plain_entries.field)
                            WHEN 'string'
                                THEN e.entry || jsonb_build_object(
                                    plain_entries.field,
                                    anime.plain_text(e.entry ->> plain_entries.field)
                                )
                            ELSE e.entry
                        END
                        ORDER BY e.place
                    )
                FROM jsonb_array_elements(plain_entries.entries) WITH ORDINALITY AS e (entry, place)
            )
        ELSE plain_entries.entries
    END;
END;

COMMENT ON FUNCTION jikan_sync.plain_entries(jsonb, text) IS
'A list of objects of an upstream with the text in `field` of each as people read it.';

GRANT EXECUTE ON FUNCTION anime.decode_entities(text) TO anime_reader;
GRANT EXECUTE ON FUNCTION anime.plain_text(text) TO anime_reader;

COMMIT;
