-- Deploy pgjikan:schema/worker to pg
-- requires: schema/clock

-- Which sidecars are alive: each says so with every tick. Without it a queue that nobody works off
-- looks like a queue with nothing to do.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE TABLE jikan_sync.worker (
    name text PRIMARY KEY,
    lanes text[] NOT NULL,
    version text NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL
) WITH (fillfactor = 50);

COMMENT ON TABLE jikan_sync.worker IS
'The sidecars that were seen within a day, one row a process.';
COMMENT ON COLUMN jikan_sync.worker.name IS 'Host, process id and a random part.';
COMMENT ON COLUMN jikan_sync.worker.lanes IS 'The lanes it works: jikan, embedding.';
COMMENT ON COLUMN jikan_sync.worker.version IS 'Its version of the package pgjikan.';
COMMENT ON COLUMN jikan_sync.worker.started_at IS 'When it was first seen.';
COMMENT ON COLUMN jikan_sync.worker.seen_at IS 'When it was last seen.';

CREATE FUNCTION jikan_sync.heartbeat(worker text, lanes text[], version text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now timestamptz := jikan_sync.clock_now();
BEGIN
    INSERT INTO jikan_sync.worker AS w (name, lanes, version, started_at, seen_at)
    VALUES (heartbeat.worker, heartbeat.lanes, heartbeat.version, v_now, v_now)
    ON CONFLICT ON CONSTRAINT worker_pkey DO UPDATE SET seen_at = excluded.seen_at;
    DELETE FROM jikan_sync.worker AS w
    WHERE w.seen_at < jikan_sync.earlier(v_now, '1 day')
        AND w.name <> heartbeat.worker;
END;
$$;

COMMENT ON FUNCTION jikan_sync.heartbeat(text, text[], text) IS
'Told by a sidecar with every tick that it is alive; forgets those not seen for a day.';

GRANT EXECUTE ON FUNCTION jikan_sync.heartbeat(text, text[], text) TO jikan_sidecar;

COMMIT;
