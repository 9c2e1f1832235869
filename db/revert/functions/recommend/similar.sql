-- Revert pgjikan:functions/recommend/similar from pg

BEGIN;

DROP FUNCTION anime."similar"(
    integer, integer, text[], text[], text[], integer, integer, double precision, boolean,
    boolean
);

COMMIT;
