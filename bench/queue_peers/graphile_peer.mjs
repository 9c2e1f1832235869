// graphile-worker: its runner; a batch is its concurrency with its local queue of that size and
// its batched completion, as its performance page recommends.
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";
import { main, now, report, serve } from "./protocol.mjs";

const pgPool = new pg.Pool({ max: 12 });
pgPool.on("error", () => {});
pgPool.on("connect", (client) => client.on("error", () => {}));
const logger = new Logger(() => () => {});

const setup = async () => {
  const utils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();
};

const fill = async (count) => {
  for (let first = 0; first < count; first += 50000) {
    await pgPool.query(
      "SELECT count(*) FROM graphile_worker.add_jobs(array(SELECT json_populate_record(" +
        "null::graphile_worker.job_spec, json_build_object('identifier', 'noop', 'payload'," +
        " json_build_object('n', n))) FROM generate_series(1, $1::int) AS n))",
      [Math.min(50000, count - first)],
    );
  }
  await pgPool.query("VACUUM ANALYZE");
};

const enqueue = async (seconds, bulk) => {
  const utils = await makeWorkerUtils({ pgPool, logger });
  const start = now();
  let count = 0;
  while (now() < start + seconds) {
    if (bulk === 1) await utils.addJob("noop", { n: count });
    else {
      await utils.addJobs(
        Array.from({ length: bulk }, (_, n) => ({ identifier: "noop", payload: { n } })),
      );
    }
    count += bulk;
  }
  report(count, start);
};

const work = async (batch, quota, seconds) => {
  let done = 0;
  let finish;
  const finished = new Promise((resolve) => (finish = resolve));
  const noop = async () => {
    done += 1;
    if (done >= quota) finish();
  };
  await pgPool.query("SELECT 1");
  const start = await serve();
  const batched = { localQueue: { size: batch }, completeJobBatchDelay: 0, failJobBatchDelay: 0 };
  await run({
    pgPool,
    logger,
    taskList: { noop },
    noHandleSignals: true,
    preset: { worker: { concurrentJobs: batch, pollInterval: 1000, ...(batch > 1 ? batched : {}) } },
  });
  await Promise.race([finished, new Promise((resolve) => setTimeout(resolve, seconds * 1000))]);
  report(done, start);
};

await main({ setup, fill, enqueue, work });
