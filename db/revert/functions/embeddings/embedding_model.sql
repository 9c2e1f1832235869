-- Revert pgjikan:functions/embeddings/embedding_model from pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
DECLARE
    v_id integer;
BEGIN
    FOR v_id IN SELECT m.id FROM jikan.embedding_model AS m LOOP
        EXECUTE format('DROP TABLE jikan.%I', 'embedding_' || v_id);
    END LOOP;
    DELETE FROM jikan.embedding_model;
END;
$$;

DROP FUNCTION jikan_sync.drop_awaited_models();
DROP FUNCTION jikan_sync.drop_embedding_model(integer);
DROP FUNCTION jikan_sync.try_drop_model(integer);

DROP FUNCTION jikan_sync.switch_embedding_model(integer, boolean);

DROP FUNCTION jikan_sync.add_embedding_model(text, text, integer, numeric);

DROP FUNCTION jikan_sync.find_embedding_model(text);

DROP FUNCTION jikan_sync.embedding_coverage(integer);

COMMIT;
