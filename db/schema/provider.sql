-- Deploy pgjikan:schema/provider to pg
-- requires: schema/rate_limit

-- Who serves the Jikan v4 API, in the order of preference, and what each allows. Endpoints come and
-- go, so base URL, limits and key header are data. Secrets are not: a key stays in the sidecar's
-- environment, and only whether it has one is known here, because limits depend on it.

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
    has_key boolean NOT NULL DEFAULT false,
    keyed_per_second numeric,
    keyed_per_minute numeric,
    keyed_per_day numeric,
    CONSTRAINT provider_name_check CHECK (name ~ '^[a-z][a-z0-9_-]{0,62}$'),
    CONSTRAINT provider_base_url_check
    CHECK (base_url ~ '^https?://[^\s/@?#\\]+(/[^\s@?#\\]*)?$'),
    CONSTRAINT provider_rank_key UNIQUE (rank) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT provider_rank_check CHECK (rank > 0),
    CONSTRAINT provider_limits_check CHECK (
        per_second > 0
        AND per_minute > 0
        AND per_day >= 2
        AND keyed_per_second > 0
        AND keyed_per_minute > 0
        AND keyed_per_day >= 2
    ),
    CONSTRAINT provider_key_header_check CHECK (key_header ~ '^[A-Za-z0-9-]+$'),
    CONSTRAINT provider_has_key_check CHECK (NOT has_key OR key_header IS NOT null)
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
COMMENT ON COLUMN jikan_sync.provider.has_key IS
'Whether the sidecar has a key, as it told at start.';
COMMENT ON COLUMN jikan_sync.provider.keyed_per_second IS
'Like per_second, with a key; NULL: the same as without.';
COMMENT ON COLUMN jikan_sync.provider.keyed_per_minute IS
'Like per_minute, with a key; NULL: the same as without.';
COMMENT ON COLUMN jikan_sync.provider.keyed_per_day IS
'Like per_day, with a key; NULL: the same as without.';

CREATE FUNCTION jikan_sync.tg_set_provider_limits()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'DELETE' OR TG_OP = 'UPDATE' AND NEW.name <> OLD.name THEN
        DELETE FROM jikan_sync.rate_limit AS r WHERE r.subject = 'provider:' || OLD.name;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;

    MERGE INTO jikan_sync.rate_limit AS r
    USING (
        SELECT
            'provider:' || NEW.name AS subject,
            w.period,
            w.allowed,
            -- Half a day's requests may come at once, the rest evenly: no sliding day holds more.
            CASE WHEN w.period > interval '1 minute' THEN floor(w.allowed / 2) ELSE 1 END AS burst
        FROM (
            VALUES
            (
                interval '1 second',
                coalesce(CASE WHEN NEW.has_key THEN NEW.keyed_per_second END, NEW.per_second)
            ),
            (
                interval '1 minute',
                coalesce(CASE WHEN NEW.has_key THEN NEW.keyed_per_minute END, NEW.per_minute)
            ),
            (
                interval '24 hours',
                coalesce(CASE WHEN NEW.has_key THEN NEW.keyed_per_day END, NEW.per_day)
            )
        ) AS w (period, allowed)
        WHERE w.allowed IS NOT NULL
    ) AS w
        ON r.subject = w.subject AND r.unit = 'request' AND r.period = w.period
    WHEN MATCHED THEN
        UPDATE SET allowed = w.allowed, burst = w.burst
    WHEN NOT MATCHED BY TARGET THEN
        INSERT (subject, unit, period, allowed, burst)
        VALUES (w.subject, 'request', w.period, w.allowed, w.burst)
    WHEN NOT MATCHED BY SOURCE AND r.subject = 'provider:' || NEW.name THEN
        DELETE;
    RETURN NULL;
END;
$$;

COMMENT ON FUNCTION jikan_sync.tg_set_provider_limits() IS
'Keeps the windows of `jikan_sync.rate_limit` as the provider''s columns say; what is taken stays.';

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
