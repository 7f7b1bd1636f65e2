/**
 * Compares the threads in a database with those that a seed gives: `URI DATABASE SEED COUNT`. Run as
 * a process of its own, it has nothing else. Prints what differs as JSON.
 */
import { MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { inspect, isDeepStrictEqual } from "node:util";
import { sampleThreads } from "./any-state.ts";

const [uri, dbName, seed, count] = process.argv.slice(2);
await using saver = MongoDBSaver.fromConnString(uri!, { dbName });
const differences: string[] = [];

for (const [index, { first, second, metadata, written }] of sampleThreads(
  Number(seed),
  Number(count),
).entries()) {
  const [latest, earlier] = await Array.fromAsync(
    saver.list({ configurable: { thread_id: `thread-${index}` } }),
  );
  compare(`thread ${index}, first`, earlier?.checkpoint.channel_values, first);
  compare(`thread ${index}, second`, latest?.checkpoint.channel_values, second);
  compare(`thread ${index}, metadata`, latest?.metadata, {
    source: "loop",
    step: 1,
    parents: {},
    extra: metadata,
  });
  compare(`thread ${index}, written`, latest?.pendingWrites, [["task", "value", written]]);
}
console.log(JSON.stringify(differences));

function compare(what: string, actual: unknown, expected: unknown): void {
  const [text, expectedText] = [print(actual), print(expected)];
  if (isDeepStrictEqual(actual, expected) && text === expectedText) return;
  let start = 0;
  while (start < text.length && text[start] === expectedText[start]) start += 1;
  const parts = [text, expectedText].map((whole) =>
    whole.slice(Math.max(start - 100, 0), start + 100),
  );
  differences.push(`${what}: …${parts.join("… instead of …")}…`);
}

/** Shows what deep equality leaves out: the order of keys, and the stacks of errors. */
function print(value: unknown): string {
  return inspect(value, {
    depth: Infinity,
    // Some classes show themselves otherwise, or not at all.
    customInspect: false,
    breakLength: Infinity,
    compact: true,
  });
}
