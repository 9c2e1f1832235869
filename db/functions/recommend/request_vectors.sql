-- Deploy pgjikan:functions/recommend/request_vectors to pg
-- requires: functions/freshness/request_refresh
-- requires: functions/embeddings/has_current_vector
-- requires: functions/embeddings/request_vector

-- What a recommendation asks for on behalf of its reader, who does not wait for it.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.request_vectors(mal_ids integer[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_mal_id integer;
BEGIN
    IF current_setting('transaction_read_only')::boolean THEN
        RETURN;
    END IF;
    FOR v_mal_id IN
        SELECT m.mal_id
        -- Of the first so many: to look 500 up would take longer than the answer.
        FROM unnest(mal_ids[:50]) WITH ORDINALITY AS m (mal_id, number)
        LEFT JOIN jikan.anime AS a ON a.mal_id = m.mal_id
        WHERE a.removed_at IS NULL
            AND (a.id IS NULL OR NOT jikan_sync.has_current_vector(a.id, a.embedding_hash))
        ORDER BY m.number
        LIMIT 2
    LOOP
        IF EXISTS (SELECT FROM jikan.anime AS a WHERE a.mal_id = v_mal_id) THEN
            PERFORM jikan_sync.request_vector(v_mal_id);
        ELSE
            PERFORM jikan_sync.request_facet('core', v_mal_id, 'high');
        END IF;
    END LOOP;
END;
$$;

COMMENT ON FUNCTION jikan_sync.request_vectors(integer[]) IS
'Wishes, as high, for what the first two titles lack that have no current vector: the title or its
vector.';

COMMIT;
