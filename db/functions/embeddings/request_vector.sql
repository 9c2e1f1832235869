-- Deploy pgjikan:functions/embeddings/request_vector to pg
-- requires: functions/queue/wish
-- requires: functions/queue/fold_wishes
-- requires: functions/embeddings/finish_embeddings

-- What a read wishes for where a vector is missing: of a title, or of a query by meaning. What
-- became a dead letter a while ago is not wished for again, whoever asks: embedding may cost money.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.request_vector(mal_id integer)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_key text := (
        SELECT 'embed:' || a.id::text FROM jikan.anime AS a WHERE a.mal_id = request_vector.mal_id
    );
BEGIN
    IF v_key IS NULL
        OR NOT jikan_sync.is_wanted(v_key, 'high')
        OR jikan_sync.is_given_up(v_key)
    THEN
        RETURN false;
    END IF;
    RETURN jikan_sync.wish('vector', 'high', mal_id => request_vector.mal_id);
END;
$$;

COMMENT ON FUNCTION jikan_sync.request_vector(integer) IS
'Wishes for the vector of a mirrored title on behalf of a read; false where it is on its way or was
given up lately.';

CREATE FUNCTION jikan_sync.request_query_vector(query text, query_key text)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF jikan_sync.lacks_query_vector(query_key) THEN
        IF NOT jikan_sync.is_wanted('embed_query:' || query_key, 'high')
            OR jikan_sync.is_given_up('embed_query:' || query_key)
        THEN
            RETURN false;
        END IF;
    ELSIF NOT EXISTS (
        SELECT FROM jikan_sync.query_vector AS v
        WHERE v.query_key = request_query_vector.query_key
            AND v.model_id = jikan_sync.active_model_id()
            AND v.used_at < jikan_sync.ago('1 hour')
    )
    THEN
        RETURN false;
    END IF;
    RETURN jikan_sync.wish(
        'query_vector',
        CASE WHEN jikan_sync.lacks_query_vector(query_key) THEN 'high' ELSE 'low' END,
        query => left(btrim(request_query_vector.query), 200),
        query_key => request_query_vector.query_key
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.request_query_vector(text, text) IS
'Wishes that a query be embedded where it has no vector, or for a note that its vector is in use,
once an hour; false where neither is needed, or it is on its way or was given up lately.';

COMMIT;
