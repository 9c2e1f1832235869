// pg-boss: fetch a batch, complete it; its own polling worker would wait half a second in between.
import { PgBoss } from "pg-boss";
import { main, now, report, serve } from "./protocol.mjs";

const { PGHOST: host, PGDATABASE: database, PGUSER: user, PGPORT: port } = process.env;
const boss = new PgBoss({ host, database, user, port: Number(port), max: 2, schedule: false });
boss.on("error", () => {});
const queue = "bench";

const setup = async () => {
  await boss.start();
  await boss.createQueue(queue);
};

const fill = async (count) => {
  await boss.start();
  for (let first = 0; first < count; first += 20000) {
    const size = Math.min(20000, count - first);
    await boss.insert(queue, Array.from({ length: size }, (_, n) => ({ data: { n: first + n } })));
  }
  await boss.getDb().executeSql("VACUUM ANALYZE");
};

const enqueue = async (seconds, bulk) => {
  await boss.start();
  const start = now();
  let count = 0;
  while (now() < start + seconds) {
    if (bulk === 1) await boss.send(queue, { n: count });
    else await boss.insert(queue, Array.from({ length: bulk }, (_, n) => ({ data: { n } })));
    count += bulk;
  }
  report(count, start);
};

const work = async (batch, quota, seconds) => {
  await boss.start();
  const start = await serve();
  let done = 0;
  while (done < quota && now() < start + seconds) {
    const jobs = await boss.fetch(queue, { batchSize: batch });
    if (jobs.length === 0) break;
    await boss.complete(queue, jobs.map((job) => job.id));
    done += jobs.length;
  }
  report(done, start);
};

await main({ setup, fill, enqueue, work });
