// MiniSearch and Orama over the same documents and queries, in one process, for bench/search.py:
//   node search.mjs minisearch|orama < {"documents": …, "queries": …, "rounds": n}
// Each is set up as its guide says for search as you type: prefix and fuzzy, popularity as a boost.
import { readFileSync } from "node:fs";

const { documents, queries, rounds } = JSON.parse(readFileSync(0, "utf8"));
const peer = process.argv[2];
const popularity = (members) => 1 + Math.log10(1 + (members ?? 0));
const built = performance.now();
let ask;
if (peer === "minisearch") {
  const { default: MiniSearch } = await import("minisearch");
  const index = new MiniSearch({ fields: ["titles"], storeFields: ["anime", "members"], idField: "id" });
  index.addAll(documents);
  const options = {
    prefix: true,
    fuzzy: 0.2,
    combineWith: "AND",
    boostDocument: (_id, _term, stored) => popularity(stored.members),
  };
  ask = (query) => index.search(query, options).slice(0, 50).map((hit) => [hit.anime, hit.score]);
} else {
  const { create, insertMultiple, search } = await import("@orama/orama");
  const index = create({ schema: { id: "string", anime: "number", titles: "string", members: "number" } });
  await insertMultiple(
    index,
    documents.map((each) => ({ ...each, id: String(each.id), members: each.members ?? 0 })),
    5000,
  );
  ask = async (query) => {
    const found = await search(index, { term: query, properties: ["titles"], tolerance: 1, limit: 50 });
    return found.hits
      .map((hit) => [hit.document.anime, hit.score * popularity(hit.document.members)])
      .sort((one, other) => other[1] - one[1])
      .slice(0, 50);
  };
}
const seconds = (performance.now() - built) / 1000;
const answers = [];
const times = [];
for (let round = 0; round < rounds; round++) {
  for (const query of queries) {
    const started = performance.now();
    const answer = await ask(query);
    if (round > 0) times.push(performance.now() - started);
    if (round === 0) answers.push(answer);
  }
}
process.stdout.write(JSON.stringify({ answers, times, seconds, bytes: process.memoryUsage().heapUsed }));
