-- Revert pgjikan:functions/recommend/trait_vector from pg

BEGIN;

DROP FUNCTION jikan_sync.vector_product(halfvec, halfvec);
DROP FUNCTION jikan_sync.trait_product(sparsevec, sparsevec);
DROP FUNCTION jikan_sync.trait_vector(
    text[], text[], text, text, text, double precision, double precision, double precision,
    double precision, double precision, double precision
);

COMMIT;
