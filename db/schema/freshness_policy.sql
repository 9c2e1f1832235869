-- Deploy pgjikan:schema/freshness_policy to pg
-- requires: schema/facet

-- How old each facet of an anime may be. A DBA changes a row and the change is true at once for
-- every title, because nobody stores when a row goes stale.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.freshness_policy (
    facet text NOT NULL REFERENCES jikan_sync.facet (name) ON DELETE CASCADE ON UPDATE CASCADE,
    status text,
    max_age interval NOT NULL,
    CONSTRAINT freshness_policy_facet_status_key UNIQUE NULLS NOT DISTINCT (facet, status)
);

COMMENT ON TABLE jikan_sync.freshness_policy IS
'How old a facet may be: `status` NULL is the default, a row with a status overrides it.
`UPDATE jikan_sync.freshness_policy SET max_age = …` takes effect at once.';
COMMENT ON COLUMN jikan_sync.freshness_policy.facet IS
'The facet: a name of `jikan_sync.facet`.';
COMMENT ON COLUMN jikan_sync.freshness_policy.status IS
'Finished Airing, Currently Airing or Not yet aired; NULL: any that has no row of its own.';
COMMENT ON COLUMN jikan_sync.freshness_policy.max_age IS 'Older than this is stale.';

CREATE FUNCTION jikan_sync.tg_check_freshness_policy()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_statuses text[] := ARRAY['Finished Airing', 'Currently Airing', 'Not yet aired'];
BEGIN
    IF TG_OP <> 'INSERT' THEN
        IF OLD.status IS NULL AND (
            TG_OP = 'DELETE'
            AND EXISTS (SELECT FROM jikan_sync.facet AS f WHERE f.name = OLD.facet)
            OR TG_OP = 'UPDATE'
            AND (
                NEW.status IS NOT NULL
                OR NEW.facet <> OLD.facet
                AND EXISTS (SELECT FROM jikan_sync.facet AS f WHERE f.name = OLD.facet)
            )
        ) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'invalid_parameter_value',
                MESSAGE = format('facet "%s" cannot be without its default policy', OLD.facet),
                HINT = 'Change its max_age, or add a row with a status beside it.';
        END IF;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    IF NOT EXISTS (SELECT FROM jikan_sync.facet AS f WHERE f.name = NEW.facet) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('no such facet: %L', NEW.facet),
            HINT = 'One of ' || (
                SELECT string_agg(f.name, ', ' ORDER BY f.position) FROM jikan_sync.facet AS f
            ) || '.';
    END IF;
    IF NEW.status <> ALL (v_statuses) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('no such status: %L', NEW.status),
            HINT = 'One of ' || array_to_string(v_statuses, ', ') || '; NULL for the default.';
    END IF;
    IF NEW.max_age IS NULL OR NEW.max_age < interval '0'
        OR NEW.max_age > interval '100 years'
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('max_age of facet "%s" cannot be %s',
                             NEW.facet, coalesce(NEW.max_age::text, 'NULL')),
            HINT = 'An interval from 0 (always stale) to 100 years.';
    END IF;
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_check_freshness_policy() IS
'Refuses unknown facets and statuses, negative or boundless ages, and the loss of a default.
Raises: 22023.';

CREATE TRIGGER check_freshness_policy
BEFORE INSERT OR UPDATE OR DELETE ON jikan_sync.freshness_policy
FOR EACH ROW EXECUTE FUNCTION jikan_sync.tg_check_freshness_policy();

CREATE FUNCTION jikan_sync.tg_give_policy()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO jikan_sync.freshness_policy (facet, max_age) VALUES (NEW.name, '90 days');
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_give_policy() IS
'Gives a new facet a default policy of 90 days: none is ever without.';

CREATE TRIGGER give_policy
AFTER INSERT ON jikan_sync.facet
FOR EACH ROW EXECUTE FUNCTION jikan_sync.tg_give_policy();

INSERT INTO jikan_sync.freshness_policy (facet, status, max_age)
VALUES
('core', NULL, '30 days'),
('core', 'Currently Airing', '1 day'),
('themes', NULL, '90 days'),
('relations', NULL, '90 days'),
('links', NULL, '90 days'),
('images', NULL, '90 days'),
('reviews', NULL, '7 days'),
('recommendations', NULL, '180 days'),
('characters', NULL, '90 days'),
('staff', NULL, '90 days'),
('episodes', NULL, '90 days'),
('episodes', 'Currently Airing', '1 day'),
('videos', NULL, '90 days'),
('videos', 'Currently Airing', '7 days'),
('statistics', NULL, '7 days'),
('news', NULL, '1 day'),
('videos_episodes', NULL, '90 days'),
('videos_episodes', 'Currently Airing', '7 days'),
('moreinfo', NULL, '90 days'),
('episode', NULL, '90 days');

COMMIT;
