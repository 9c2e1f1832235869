-- Verify pgjikan:schema/embedding_model on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

SELECT
    id,
    provider,
    name,
    dimensions,
    status,
    price,
    created_at,
    switched_at
FROM jikan.embedding_model
WHERE FALSE;

DO $$
BEGIN
    ASSERT jikan_sync.setting_text('embedding_low_priority') IN ('immediate', 'nightly');
    ASSERT jikan_sync.setting_number('embedding_high_limit') >= 0;
    ASSERT jikan_sync.setting_number('embedding_switch_coverage') <= 1;
END;
$$;

ROLLBACK;
