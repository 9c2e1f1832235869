-- Verify pgjikan:functions/recommend/neighbour_weight on pg

BEGIN;

SET LOCAL ROLE jikan_owner;

DO $$
BEGIN
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.neighbour_weight()',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.neighbour_weight()',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.neighbour_basis()',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.neighbour_basis()',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'jikan_sidecar',
        'jikan_sync.content_score(sparsevec, sparsevec, halfvec, halfvec, double precision, double precision, integer, double precision, real, double precision, real, double precision, real, double precision, real)',
        'execute'
    );
    ASSERT NOT has_function_privilege(
        'anime_reader',
        'jikan_sync.content_score(sparsevec, sparsevec, halfvec, halfvec, double precision, double precision, integer, double precision, real, double precision, real, double precision, real, double precision, real)',
        'execute'
    );
    ASSERT (
        SELECT count(*) = 19
        FROM jikan_sync.setting AS s
        WHERE s.name IN ('neighbour_vote_weight',
        'neighbour_franchise_vote_weight',
        'neighbour_walk_weight',
        'neighbour_content_walk_weight',
        'neighbour_most_walk_weight',
        'neighbour_genre_weight',
        'neighbour_rare_genre_weight',
        'neighbour_studio_weight',
        'neighbour_type_weight',
        'neighbour_source_weight',
        'neighbour_rating_weight',
        'neighbour_vector_weight',
        'neighbour_era_weight',
        'neighbour_popularity_weight',
        'neighbour_love_weight',
        'neighbour_popularity_gap_weight',
        'neighbour_score_gap_weight',
        'neighbour_count',
        'neighbour_pool')
    );
END;
$$;

ROLLBACK;
