-- Deploy pgjikan:functions/queue/wish to pg
-- requires: schema/wish

-- How a read asks for something: it appends a wish, and nothing else.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.wish(
    kind text,
    priority text,
    facet text DEFAULT NULL,
    mal_id integer DEFAULT NULL,
    query text DEFAULT NULL,
    query_key text DEFAULT NULL
)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count integer := coalesce(nullif(current_setting('pgjikan.wish_count', true), ''), '0');
BEGIN
    IF current_setting('transaction_read_only')::boolean THEN
        RETURN false;
    END IF;
    -- Counted by the sequence, since counting rows would be reading what other readers write.
    IF (SELECT s.last_value FROM jikan_sync.wish_id_seq AS s)
        - (SELECT f.folded_id FROM jikan_sync.wish_fold AS f)
        >= jikan_sync.setting_number('wish_max')
        -- Nor may one transaction, while it is open, take what all logins have.
        OR v_count >= jikan_sync.setting_number('wish_per_transaction')
    THEN
        RETURN false;
    END IF;
    PERFORM set_config('pgjikan.wish_count', (v_count + 1)::text, true);
    INSERT INTO jikan_sync.wish (kind, priority, facet, mal_id, query, query_key, wished_at)
    VALUES (
        wish.kind, wish.priority, wish.facet, wish.mal_id, wish.query, wish.query_key,
        jikan_sync.clock_now()
    );
    RETURN true;
END;
$$;

COMMENT ON FUNCTION jikan_sync.wish(text, text, text, integer, text, text) IS
'Appends a wish of a reader; false where nothing can be written (a read-only transaction, a standby)
or `wish_max` wishes wait already, or `wish_per_transaction` are this transaction''s. Never waits
for anybody.';

COMMIT;
