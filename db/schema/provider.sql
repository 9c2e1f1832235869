-- Deploy pgjikan:schema/provider to pg
-- requires: schema/rate_limit

-- Who serves the Jikan v4 API, in the order of preference, and what each allows. Endpoints come and
-- go, so base URL, limits and key header are data. Secrets are not: a key stays in the environment
-- of the process that has it. What is allowed with a key is counted apart from what is allowed
-- without, so that sidecars of both kinds each keep their own limit.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.provider (
    name text PRIMARY KEY,
    base_url text NOT NULL,
    rank integer NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    per_second numeric,
    per_minute numeric,
    per_day numeric,
    key_header text,
    keyed_per_second numeric,
    keyed_per_minute numeric,
    keyed_per_day numeric,
    CONSTRAINT provider_name_check CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    CONSTRAINT provider_base_url_check
    CHECK (base_url ~ '^https?://[^\s/@?#\\]+(/[^\s@?#\\]*)?$'),
    CONSTRAINT provider_rank_key UNIQUE (rank) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT provider_rank_check CHECK (rank > 0),
    -- NaN and infinity are greater than any bound.
    CONSTRAINT provider_limits_check CHECK (
        per_second BETWEEN 0.0001 AND 1000000
        AND per_minute BETWEEN 0.0001 AND 100000000
        AND per_day BETWEEN 2 AND 100000000000
        AND keyed_per_second BETWEEN 0.0001 AND 1000000
        AND keyed_per_minute BETWEEN 0.0001 AND 100000000
        AND keyed_per_day BETWEEN 2 AND 100000000000
    ),
    CONSTRAINT provider_key_header_check CHECK (key_header ~ '^[A-Za-z0-9-]+$')
);

COMMENT ON TABLE jikan_sync.provider IS
'Who serves the Jikan v4 API, in the order of preference, and what each allows.';
COMMENT ON COLUMN jikan_sync.provider.name IS 'Our name for it, lower case.';
COMMENT ON COLUMN jikan_sync.provider.base_url IS
'http or https, up to and with the version (/v4); never with a user or password.';
COMMENT ON COLUMN jikan_sync.provider.rank IS 'Order of preference; the lowest is asked first.';
COMMENT ON COLUMN jikan_sync.provider.enabled IS 'Whether it is asked at all.';
COMMENT ON COLUMN jikan_sync.provider.per_second IS 'Requests allowed a second; NULL: no limit.';
COMMENT ON COLUMN jikan_sync.provider.per_minute IS 'Requests allowed a minute; NULL: no limit.';
COMMENT ON COLUMN jikan_sync.provider.per_day IS 'Requests allowed in 24 hours; NULL: no limit.';
COMMENT ON COLUMN jikan_sync.provider.key_header IS
'Header that carries a server key; NULL: it takes none. The key itself is never in the database.';
COMMENT ON COLUMN jikan_sync.provider.keyed_per_second IS
'Like per_second, with a key; NULL: the same as without.';
COMMENT ON COLUMN jikan_sync.provider.keyed_per_minute IS
'Like per_minute, with a key; NULL: the same as without.';
COMMENT ON COLUMN jikan_sync.provider.keyed_per_day IS
'Like per_day, with a key; NULL: the same as without.';

CREATE FUNCTION jikan_sync.limit_subject(provider text, is_keyed boolean)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
BEGIN ATOMIC
    SELECT
        'provider:' || limit_subject.provider
        || CASE WHEN limit_subject.is_keyed THEN ':key' ELSE '' END;
END;

COMMENT ON FUNCTION jikan_sync.limit_subject(text, boolean) IS
'The `subject` in `jikan_sync.rate_limit` of requests to a provider with a server key, or without.';

CREATE FUNCTION jikan_sync.tg_set_provider_limits()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND NEW.name <> OLD.name THEN
        DELETE FROM jikan_sync.rate_limit AS r
        WHERE r.subject IN (
            jikan_sync.limit_subject(OLD.name, false), jikan_sync.limit_subject(OLD.name, true)
        );
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;

    MERGE INTO jikan_sync.rate_limit AS r
    USING (
        SELECT
            jikan_sync.limit_subject(NEW.name, w.is_keyed) AS subject,
            w.period,
            w.allowed,
            -- Half a day's requests may come at once, the rest evenly: no sliding day holds more.
            CASE WHEN w.period > interval '1 minute' THEN floor(w.allowed / 2) ELSE 1 END AS burst
        FROM (
            VALUES
            (false, interval '1 second', NEW.per_second),
            (false, interval '1 minute', NEW.per_minute),
            (false, interval '24 hours', NEW.per_day),
            (true, interval '1 second', coalesce(NEW.keyed_per_second, NEW.per_second)),
            (true, interval '1 minute', coalesce(NEW.keyed_per_minute, NEW.per_minute)),
            (true, interval '24 hours', coalesce(NEW.keyed_per_day, NEW.per_day))
        ) AS w (is_keyed, period, allowed)
        WHERE w.allowed IS NOT NULL
            AND (NOT w.is_keyed OR NEW.key_header IS NOT NULL)
    ) AS w
        ON r.subject = w.subject AND r.unit = 'request' AND r.period = w.period
    WHEN MATCHED THEN
        UPDATE SET allowed = w.allowed, burst = w.burst
    WHEN NOT MATCHED BY TARGET THEN
        INSERT (subject, unit, period, allowed, burst)
        VALUES (w.subject, 'request', w.period, w.allowed, w.burst)
    WHEN NOT MATCHED BY SOURCE
        AND r.subject IN (
            jikan_sync.limit_subject(NEW.name, false), jikan_sync.limit_subject(NEW.name, true)
        )
        THEN
        DELETE;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_set_provider_limits() IS
'Keeps the windows of `jikan_sync.rate_limit`, without a key and with one, as the provider''s
columns say; what is taken stays.';

CREATE TRIGGER set_provider_limits
AFTER INSERT OR UPDATE OR DELETE ON jikan_sync.provider
FOR EACH ROW EXECUTE FUNCTION jikan_sync.tg_set_provider_limits();

INSERT INTO jikan_sync.provider (
    name,
    base_url,
    rank,
    enabled,
    per_second,
    per_minute,
    per_day,
    key_header,
    keyed_per_second,
    keyed_per_minute
)
VALUES
('tenrai', 'https://api.tenrai.org/v1', 1, true, 3, 60, 40000, 'X-Server-Key', 5, 300),
('jikan', 'http://127.0.0.1:8080/v4', 2, false, null, null, null, null, null, null);

COMMIT;
