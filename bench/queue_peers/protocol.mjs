// How a peer talks to bench/queue_throughput.py; see protocol.py.
import { createInterface } from "node:readline";

export const now = () => Date.now() / 1000;
export const report = (done, start) =>
  console.log(JSON.stringify({ done, start, end: now() }));
export const serve = () =>
  new Promise((resolve) => {
    createInterface({ input: process.stdin }).once("line", () => resolve(now()));
    console.log("ready");
  });
export const main = async (commands) => {
  const [command, ...numbers] = process.argv.slice(2);
  await commands[command](...numbers.map(Number));
  process.exit(0);
};
