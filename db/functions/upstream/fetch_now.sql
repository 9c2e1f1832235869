-- Deploy pgjikan:functions/upstream/fetch_now to pg
-- requires: functions/upstream/reserve_request
-- requires: functions/upstream/report_request
-- requires: functions/upstream/mirror_id
-- requires: functions/upstream/record_response
-- requires: functions/store/note_missing
-- requires: functions/freshness/ledger
-- requires: functions/face/get

-- Fetching inside the database, where the server has plpython3u: the sidecar's own HTTP client
-- through the same ledger, limiter, breaker and store function. The client is imported, not pasted:
-- a script of pure SQL cannot read a file, and code that a table could change would let its owner
-- out of the database. So `pgjikan` must be importable by the server's Python (PYTHONPATH, or pip
-- install). The language is untrusted: only a superuser may install the real function, others get a
-- stand-in.

BEGIN;

SET LOCAL ROLE jikan_owner;

CREATE FUNCTION jikan_sync.record_fetch(
    mal_id integer,
    provider text,
    outcome text,
    status integer,
    body text,
    retry_after interval,
    elapsed_ms double precision,
    bytes integer,
    is_keyed boolean
)
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_fault text;
BEGIN
    PERFORM jikan_sync.report_request(
        provider, outcome, 'anime', 'anime:' || record_fetch.mal_id, status, retry_after,
        elapsed_ms, bytes, is_keyed
    );
    IF outcome = 'ok' THEN
        BEGIN
            v_fault := jikan_sync.store_core(
                mal_id, body::json, jikan_sync.ago(coalesce(elapsed_ms, 0) * interval '1 ms')
            );
        EXCEPTION
            WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS v_fault = MESSAGE_TEXT;
                PERFORM jikan_sync.reject_document('full', mal_id, v_fault, body);
        END;
    ELSIF outcome = 'not_found' THEN
        PERFORM jikan_sync.note_missing(mal_id);
    END IF;
    IF outcome = 'rejected' OR v_fault IS NOT NULL THEN
        PERFORM jikan_sync.note_answer('core', mal_id, 'rejected');
    END IF;
    RETURN v_fault;
END;
$$;

COMMENT ON FUNCTION jikan_sync.record_fetch(
    integer, text, text, integer, text, interval, double precision, integer, boolean
) IS
'What `jikan_sync.record_response` is to a task: reports, stores and notes in the ledger what
`anime.fetch_now` got. Answers why a document could not be stored, NULL where it was or none came.';

CREATE FUNCTION jikan_sync.install_fetch_now()
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $install$
DECLARE
    v_is_superuser boolean := (
        SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user
    );
    v_has_language boolean;
BEGIN
    IF v_is_superuser AND EXISTS (
        SELECT FROM pg_catalog.pg_available_extensions AS e
        WHERE e.name = 'plpython3u' AND e.installed_version IS NULL
    ) THEN
        BEGIN
            CREATE EXTENSION plpython3u;
        EXCEPTION
            WHEN OTHERS THEN  -- listed but without its library: the stand-in tells
                RAISE DEBUG 'plpython3u cannot be created: %', SQLERRM;
        END;
    END IF;
    v_has_language := EXISTS (
        SELECT FROM pg_catalog.pg_language AS l WHERE l.lanname = 'plpython3u'
    );

    IF v_is_superuser AND v_has_language THEN
        CREATE OR REPLACE FUNCTION anime.fetch_now(mal_id integer)
        RETURNS jsonb
        LANGUAGE plpython3u
        VOLATILE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $python$
import json
import os

try:
    from pgjikan.client import JikanClient
except ImportError as error:
    plpy.error(
        f"the server's Python cannot import pgjikan.client: {error}",
        sqlstate="0A000",
        hint="Let PYTHONPATH of the PostgreSQL server name the folder that holds the package "
        "pgjikan (its client needs python3-requests only), and restart the server.",
    )

if mal_id is None or mal_id < 1:
    plpy.error("mal_id must be positive", sqlstate="22023")


def call(query, types, *values):
    plans = SD.setdefault("plans", {})
    plan = plans.get(query) or plans.setdefault(query, plpy.prepare(query, types))
    return plpy.execute(plan, values)


refused = call(
    "SELECT format('its last answer, %s at %s, lets nobody ask before %s',"
    " l.outcome, l.asked_at, l.not_before) AS message"
    " FROM jikan_sync.ledger AS l"
    " WHERE l.mal_id = $1 AND l.facet = 'core' AND NOT jikan_sync.may_ask('core', $1)",
    ["integer"],
    mal_id,
)
if refused:
    return json.dumps({"outcome": "recently_asked", "message": refused[0]["message"]})

keys = json.loads(os.environ.get("PGJIKAN_SERVER_KEYS") or "{}")
slots = call(
    "SELECT s.provider, s.base_url, s.key_header, s.is_keyed,"
    " extract(EPOCH FROM s.wait)::float8 AS wait"
    " FROM jikan_sync.reserve_request(subject => $1, keys => $2) AS s",
    ["text", "text[]"],
    f"anime:{mal_id}",
    list(keys),
)
if not slots:
    return json.dumps({"outcome": "unavailable", "message": "no provider may be asked now"})
slot = slots[0]
call("SELECT pg_catalog.pg_sleep($1)", ["float8"], slot["wait"])

if "client" not in SD:
    SD["client"] = JikanClient(contact=os.environ.get("PGJIKAN_CONTACT"), deadline=10.0)
    SD["client"].introduce(call("SELECT jikan_sync.mirror_id() AS id", [])[0]["id"])
got = SD["client"].fetch_task(
    "anime",
    f"/anime/{mal_id}/full",
    mal_id=mal_id,
    base_url=slot["base_url"],
    key_header=slot["key_header"],
    key=keys[slot["provider"]] if slot["is_keyed"] else None,
)
fault = call(
    "SELECT jikan_sync.record_fetch($1, $2, $3, $4, $5, $6 * interval '1 second', $7, $8, $9)"
    " AS said",
    ["integer", "text", "text", "integer", "text", "float8", "float8", "integer", "boolean"],
    mal_id,
    slot["provider"],
    got.outcome,
    got.status,
    got.body,
    got.retry_after_seconds,
    got.elapsed_ms,
    got.bytes,
    slot["is_keyed"],
)[0]["said"]
report = {
    "outcome": "rejected" if fault else got.outcome,
    "provider": slot["provider"],
    "status": got.status,
    "message": fault or got.message,
    "elapsed_ms": got.elapsed_ms,
}
if report["outcome"] == "ok":
    row = call("SELECT anime.get($1)::text AS anime", ["integer"], mal_id)[0]
    report["anime"] = json.loads(row["anime"])
return json.dumps(report)
        $python$;
    ELSE
        CREATE OR REPLACE FUNCTION anime.fetch_now(mal_id integer)
        RETURNS jsonb
        LANGUAGE plpgsql
        VOLATILE
        SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp
        AS $standin$
        BEGIN
            RAISE EXCEPTION USING
                ERRCODE = 'feature_not_supported',
                MESSAGE = 'anime.fetch_now needs the language plpython3u, which this database had '
                    'not (or not for whoever deployed)',
                HINT = 'Let the sidecar fetch: SELECT anime.get(…). Or install the package '
                    'postgresql-plpython3-NN and, as a superuser: SELECT '
                    'jikan_sync.install_fetch_now();';
        END;
        $standin$;
    END IF;

    ALTER FUNCTION anime.fetch_now(integer) OWNER TO jikan_owner;
    REVOKE EXECUTE ON FUNCTION anime.fetch_now(integer) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION anime.fetch_now(integer) TO anime_reader;
    COMMENT ON FUNCTION anime.fetch_now(integer) IS
    'Fetches an anime from the upstream at once, inside the database, and stores it: {"outcome",
"provider", "status", "message", "elapsed_ms", "anime"}; outcome unavailable: nobody may be asked now;
recently_asked: the last answer does not let anybody ask yet; rejected: the request was refused, or
what came cannot be stored.
For use by hand and in autocommit: the limiter is held until the transaction ends, so the sidecars
wait as long. Raises: 0A000 (no plpython3u, or no pgjikan for the server''s Python), 22023.';
    RETURN v_is_superuser AND v_has_language;
END;
$install$;

COMMENT ON FUNCTION jikan_sync.install_fetch_now() IS
'Makes `anime.fetch_now`: the real one where plpython3u is there and a superuser calls, else one
that says what is missing. Answers whether it is the real one. Called by the deploy; call it again
after plpython3u was installed.';

RESET ROLE;

DO $$
BEGIN
    PERFORM jikan_sync.install_fetch_now();
END;
$$;

COMMIT;
