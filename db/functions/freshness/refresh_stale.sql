-- Deploy pgjikan:functions/freshness/refresh_stale to pg
-- requires: functions/freshness/ledger
-- requires: functions/queue/enqueue
-- requires: functions/freshness/count_hit
-- requires: functions/upstream/sync_run

-- What keeps the mirror fresh behind its readers, the cheapest way first. List pages vouch for 25
-- titles a request: the season's pages for what is airing, a walk through the catalogue for the
-- rest where we mirror most of it. What is stale all the same is asked for one by one, what people
-- look at first, within a budget.

BEGIN;

SET LOCAL ROLE jikan_owner;

INSERT INTO jikan_sync.setting (name, value, type, minimum, maximum, description)
VALUES
(
    'refresh_per_run', '60', 'number', '0', '100000',
    'Low tasks that refresh_stale lets wait at once: a fifth of what 60 requests a minute allow '
    'between two of its runs.'
),
(
    'refresh_per_day', '5000', 'number', '0', '10000000',
    'Titles that refresh_stale asks for in a day (UTC): an eighth of the 40,000 that Tenrai allows.'
),
(
    'catalogue_share', '0.8', 'number', '0', '1',
    'Where the mirror holds this share of the catalogue, a walk through all its pages refreshes '
    'it; a smaller mirror stays what was asked for, title by title.'
),
(
    'catalogue_size', '27631', 'number', '1', '100000000',
    'Titles in the catalogue, until a first walk has counted them; 27,631 are in the 2026 dump.'
),
(
    'catalogue_lead', '3 days', 'interval', '0', '90 days',
    'How long before titles go stale a walk through the catalogue starts.'
);

CREATE TABLE jikan_sync.refresh_budget (
    day date PRIMARY KEY,
    used_count integer NOT NULL
);

COMMENT ON TABLE jikan_sync.refresh_budget IS 'What refresh_stale has asked for, by day (UTC).';
COMMENT ON COLUMN jikan_sync.refresh_budget.day IS 'The day.';
COMMENT ON COLUMN jikan_sync.refresh_budget.used_count IS 'Titles asked for.';

CREATE FUNCTION jikan_sync.refresh_stale()
RETURNS integer
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_today date := (jikan_sync.clock_now() AT TIME ZONE 'UTC')::date;
    v_per_run integer := jikan_sync.setting_number('refresh_per_run');
    v_room integer;
    v_mal_ids integer[];
BEGIN
    PERFORM jikan_sync.fold_hits();
    PERFORM jikan_sync.resume_sync_runs();
    -- A walk under way vouches for all of them soon, 25 a request. One that stands still does not.
    IF EXISTS (
        SELECT FROM jikan_sync.sync_run AS r
        WHERE r.kind = 'catalogue' AND jikan_sync.is_walking(r)
    ) THEN
        RETURN 0;
    END IF;
    -- What waits already counts against the room, so an outage piles nothing up.
    SELECT
        least(
            v_per_run - (
                SELECT count(*) FROM (
                    SELECT FROM jikan_sync.queue AS q
                    WHERE q.lane = 'jikan' AND q.priority = 'low' AND q.ready_at < 'infinity'
                    LIMIT v_per_run
                ) AS waiting
            ),
            jikan_sync.setting_number('refresh_per_day') - coalesce(
                (SELECT b.used_count FROM jikan_sync.refresh_budget AS b WHERE b.day = v_today), 0
            )
        )
    INTO v_room;
    IF v_room <= 0 THEN
        RETURN 0;
    END IF;

    SELECT array_agg(chosen.mal_id) INTO v_mal_ids
    FROM (
        SELECT s.mal_id
        FROM (
            -- Else every row of the ledger would be asked whether it may be asked for.
            SELECT c.mal_id FROM jikan_sync.stale_core() AS c OFFSET 0
        ) AS s
        INNER JOIN jikan.anime AS a ON a.mal_id = s.mal_id
        LEFT JOIN jikan_sync.demand AS d ON d.anime_id = a.id
        WHERE jikan_sync.may_ask('core', s.mal_id)
            AND NOT EXISTS (
                SELECT FROM jikan_sync.queue AS q
                WHERE q.dedupe_key = jikan_sync.task_key('anime', s.mal_id, NULL, '{}')
            )
        ORDER BY
            jikan_sync.demand_now(d.score, d.updated_at) DESC NULLS LAST,
            a.members DESC NULLS LAST,
            s.mal_id
        LIMIT v_room
    ) AS chosen;
    v_room := jikan_sync.enqueue_many('anime', v_mal_ids);
    INSERT INTO jikan_sync.refresh_budget AS b (day, used_count)
    VALUES (v_today, v_room)
    ON CONFLICT ON CONSTRAINT refresh_budget_pkey DO UPDATE SET
        used_count = b.used_count + excluded.used_count;
    RETURN v_room;
END;
$$;

COMMENT ON FUNCTION jikan_sync.refresh_stale() IS
'Queues the most wanted stale titles as low, as far as `refresh_per_run` and `refresh_per_day` let
it; answers how many. While a walk through the catalogue gets on it leaves them to that.';

CREATE FUNCTION jikan_sync.catalogue_size()
RETURNS integer
LANGUAGE sql
STABLE
BEGIN ATOMIC
    SELECT
        coalesce(
            (
                SELECT r.total_count
                FROM jikan_sync.sync_run AS r
                WHERE r.kind = 'catalogue' AND r.total_count > 0
                ORDER BY r.id DESC
                LIMIT 1
            ),
            jikan_sync.setting_number('catalogue_size')::integer
        );
END;

COMMENT ON FUNCTION jikan_sync.catalogue_size() IS
'How many titles an upstream has: as the last walk was told, else the setting `catalogue_size`.';

CREATE FUNCTION jikan_sync.sync_catalogue_if_due()
RETURNS text
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_size integer := jikan_sync.catalogue_size();
    v_mirrored bigint;
    v_due bigint;
BEGIN
    SELECT count(*) INTO v_mirrored FROM jikan.anime AS a WHERE a.removed_at IS NULL;
    IF v_mirrored < v_size * jikan_sync.setting_number('catalogue_share') THEN
        RETURN format('%s of %s titles mirrored: no walk', v_mirrored, v_size);
    END IF;
    SELECT count(*) INTO v_due
    FROM jikan_sync.stale_core(jikan_sync.setting_interval('catalogue_lead')) AS s;
    IF v_due <= v_size / 25 THEN
        RETURN format('%s titles due soon: cheaper one by one', v_due);
    END IF;
    RETURN 'run ' || jikan_sync.start_sync_run('catalogue');
END;
$$;

COMMENT ON FUNCTION jikan_sync.sync_catalogue_if_due() IS
'Starts a walk through the catalogue when so many titles are about to go stale that its pages are
fewer requests than they; answers what it did and why.';

CREATE FUNCTION jikan_sync.sync_season_around(steps integer)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_day timestamp := jikan_sync.clock_now() AT TIME ZONE 'UTC' + steps * interval '3 months';
    v_seasons text[] := ARRAY['winter', 'spring', 'summer', 'fall'];
BEGIN
    RETURN jikan_sync.start_sync_run(
        'season',
        extract(YEAR FROM v_day)::integer,
        v_seasons[extract(QUARTER FROM v_day)::integer]
    );
END;
$$;

COMMENT ON FUNCTION jikan_sync.sync_season_around(integer) IS
'Starts a walk through the season so many seasons after the current one (-1: the previous).';

COMMIT;
