-- Verify pgjikan:schema/suspect_text on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    model_id,
    input_hash,
    max_inputs,
    suspected_at,
    is_guilty
FROM jikan_sync.suspect_text
WHERE FALSE;

ROLLBACK;
