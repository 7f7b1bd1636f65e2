import { describe, expect, it } from "vitest";
import type { WrittenValue } from "../history/call.ts";
import type { History } from "../history/history.ts";
import { CALL_BOUND_MS } from "../promises.ts";
import { checkHistory } from "./check-history.ts";
import { HistoryMaker, seen } from "./make-history.ts";

const WRITES: readonly WrittenValue[] = [
  ["messages", "one"],
  ["note", "two"],
];
const OTHERS: readonly WrittenValue[] = [
  ["messages", "three"],
  ["note", "four"],
];
const UNAVAILABLE = { name: "StorageUnavailableError", message: "", code: "STORAGE_UNAVAILABLE" };
const CONFLICT = { name: "WriteConflictError", message: "", code: "WRITE_CONFLICT" };
const RAW = { name: "MongoNetworkError", message: "connection closed", code: null };
const CORRUPT = { name: "CorruptCheckpointError", message: "", code: "CORRUPT_CHECKPOINT" };
const killed = { unknown: "killed" } as const;

/** Two checkpoints, and what a task wrote after the first. */
function begin(options: ConstructorParameters<typeof HistoryMaker>[0] = {}): HistoryMaker {
  return new HistoryMaker(options).put("a").write("a", "task", WRITES).put("b");
}

const A = seen("a", { writes: { task: WRITES } });
const B = seen("b");

describe("a history is found right", () => {
  it.each<[string, History]>([
    ["where everything is there, newest first", begin().read(null, B).read("a", A).end([B, A])],
    [
      "where a killed call has had its effect",
      begin()
        .put("c", killed)
        .end([seen("c"), B, A]),
    ],
    ["where a killed call has had none", begin().put("c", killed).end([B, A])],
    [
      "where a call that failed for want of a server has had its effect",
      begin({ part: "network" })
        .put("c", { failure: UNAVAILABLE })
        .end([seen("c"), B, A]),
    ],
    [
      "where a call that other writers kept from storing anything has had no effect",
      begin({ part: "races" }).put("c", { failure: CONFLICT }).end([B, A]),
    ],
    [
      "where a read and a put go on at once, whichever comes first",
      begin()
        .put("c", { tookMs: 10, meanwhile: true })
        .read(null, seen("c"))
        .end([seen("c"), B, A]),
    ],
    ["where a list is shorter than all", begin().list(1, [B]).end([B, A])],
    ["after a deletion", begin().remove().read(null, undefined).end([])],
    [
      "where a deletion and a put go on at once, whichever comes first",
      begin()
        .remove({ tookMs: 10, meanwhile: true })
        .put("c")
        .end([seen("c", { parent: null })]),
    ],
    [
      "where a put stores what was seen once more, after a deletion and after another put",
      begin()
        .put("d", { tookMs: 20, meanwhile: true })
        .read(null, seen("d"))
        .remove()
        .put("c")
        .read(null, seen("c", { parent: null }))
        .end([seen("d"), seen("c", { parent: null })]),
    ],
    [
      "where a thread has expired",
      begin({ ttlMs: 1_000 }).wait(1_001).read(null, undefined).end([]),
    ],
    [
      "where one of two who wrote as the same task has won",
      begin().write("a", "task", OTHERS).end([B, A]),
    ],
  ])("%s", (_where, history) => {
    expect(checkHistory(history)).toEqual([]);
  });
});

describe("the checker finds", () => {
  it.each<[string, string, History]>([
    ["lost", "an acknowledged checkpoint is not in the list", begin().end([A])],
    ["lost", "it is not found by its id", begin().read("b", undefined).end([B, A])],
    ["lost", "the thread reads as empty", begin().read(null, undefined).end([B, A])],
    [
      "lost",
      "a page of a list leaves one out",
      begin()
        .put("c")
        .list(2, [seen("c"), A])
        .end([seen("c"), B, A]),
    ],
    ["lost", "what a task wrote is not there", begin().end([B, seen("a")])],
    [
      "lost",
      "what was read once is gone, though nobody acknowledged it",
      begin().put("c", killed).read(null, seen("c")).end([B, A]),
    ],
    [
      "lost",
      "a thread has expired before its time",
      begin({ ttlMs: 1_000 }).wait(900).read(null, undefined).end([]),
    ],
    [
      "lost",
      "a thread has expired although it was written to",
      begin({ ttlMs: 1_000 }).wait(700).put("c").wait(700).read(null, undefined).end([]),
    ],
    [
      "stale",
      "a checkpoint that was seen stands after one that was put later, without a deletion",
      begin()
        .put("d", { tookMs: 20, meanwhile: true })
        .read(null, seen("d"))
        .put("c")
        .end([seen("d"), seen("c"), B, A]),
    ],
    ["lost", "it was put after the deletion", begin().remove().put("c").end([])],
    [
      "partial",
      "one of two values is there",
      begin().end([B, seen("a", { writes: { task: WRITES.slice(1) } })]),
    ],
    [
      "wrong",
      "a checkpoint has another content",
      begin().end([seen("b", { content: "other" }), A]),
    ],
    [
      "wrong",
      "a write has another value",
      begin().end([B, seen("a", { writes: { task: OTHERS } })]),
    ],
    [
      "wrong",
      "values of two who wrote as the same task are mixed",
      begin()
        .write("a", "task", OTHERS)
        .end([B, seen("a", { writes: { task: [WRITES[0]!, OTHERS[1]!] } })]),
    ],
    ["wrong", "another checkpoint comes than was asked for", begin().read("a", B).end([B, A])],
    ["invented", "nobody has put it", begin().end([seen("c"), B, A])],
    [
      "invented",
      "it is read before it is put",
      begin()
        .read(null, seen("c"))
        .put("c")
        .end([seen("c"), B, A]),
    ],
    [
      "invented",
      "no such task has written",
      begin().end([seen("b", { writes: { task: WRITES } }), A]),
    ],
    ["stale", "the latest is one that another had come after", begin().read(null, A).end([B, A])],
    [
      "stale",
      "the latest goes back from what another has read",
      begin()
        .put("c", killed)
        .read(null, seen("c"))
        .read(null, B)
        .end([seen("c"), B, A]),
    ],
    ["stale", "the order is not the one in which they were put", begin().end([A, B])],
    ["stale", "a list has one twice", begin().list(3, [B, A, A]).end([B, A])],
    ["stale", "a list is in another order", begin().list(2, [A, B]).end([B, A])],
    [
      "resurrected",
      "a checkpoint is there after it was deleted",
      begin().remove().read("a", A).end([]),
    ],
    [
      "broken chain",
      "a checkpoint has another parent",
      begin().end([seen("b", { parent: "x" }), A]),
    ],
    [
      "broken chain",
      "a checkpoint has lost its parent",
      begin().end([seen("b", { parent: null }), A]),
    ],
    [
      "false alarm",
      "a read finds damage",
      begin().read(null, undefined, { failure: CORRUPT }).end([B, A]),
    ],
    ["false alarm", "verifyThread finds damage", begin().verify(["{}"]).end([B, A])],
    [
      "untyped error",
      "the driver's error reaches the caller",
      begin({ part: "network" }).put("c", { failure: RAW }).end([B, A]),
    ],
    [
      "unexpected error",
      "nothing was wrong with the server",
      begin().put("c", { failure: UNAVAILABLE }).end([B, A]),
    ],
    [
      "stuck",
      "a call takes too long",
      begin()
        .read(null, B, { tookMs: CALL_BOUND_MS + 1 })
        .end([B, A]),
    ],
    ["stuck", "a call never ends", begin().read(null, B, { unknown: "never ended" }).end([B, A])],
    ["not checked", "nobody looks in the end", begin().stop()],
  ])("%s: %s", (kind, _what, history) => {
    const kinds = checkHistory(history).map((violation) => violation.kind);
    expect(new Set(kinds)).toEqual(new Set([kind]));
  });
});
