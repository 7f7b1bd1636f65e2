import type { RunnableConfig } from "@langchain/core/runnables";
import { uuid6, type CheckpointTuple } from "@langchain/langgraph-checkpoint";
import type { MongoDBSaver, MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { makeCheckpoint, makeMetadata } from "../../checkpoint-mongo/make-checkpoint.ts";
import { attempt, compare, compareLists, type Outcome, type StoredThread } from "./attempt.ts";

/** What became of some damage. */
export interface Finding {
  readonly verdict: Verdict;
  /** What each call came to, where that decided. */
  readonly why: string;
}

/**
 * The classes that damage falls into. That a document is gone as a whole cannot show in those that are
 * left, unless they name it; see `docs/guarantees.md`. The last four must stay empty.
 */
export type Verdict =
  | "noticed on read"
  | "noticed by verifyThread"
  | "harmless"
  | "gone as a whole"
  | "wrong"
  | "lost silently"
  | "unwritable"
  | "raw error";

/** Opens a saver that remembers nothing. */
export type OpenSaver = (settings?: MongoDBSaverSettings) => MongoDBSaver;

/**
 * Tries everything on a damaged thread that an application does: reads, lists, verifies, falls back,
 * sweeps, writes, and deletes it in the end.
 *
 * @param isDeleted whether a deletion may tell the damage apart from none
 */
export async function examine(
  open: OpenSaver,
  damaged: StoredThread,
  beside: StoredThread,
  { isDeleted }: { readonly isDeleted: boolean },
): Promise<Finding> {
  const reads = [...(await readAll(open(), damaged)), await readList(open(), beside)];
  const fellBack = await fallBack(open, damaged);
  let isVerified = false;
  const verify = async (threadId: string): Promise<Outcome> => {
    const { damages } = await open().verifyThread(threadId);
    isVerified ||= damages.length > 0;
    return SAME;
  };
  const others: [string, Outcome][] = [
    ["verifyThread", await attempt(() => verify(damaged.threadId))],
    ["verifyThread of the other", await attempt(() => verify(beside.threadId))],
    [
      "sweep",
      await attempt(() =>
        open()
          .sweep()
          .then(() => SAME),
      ),
    ],
    ...(await writeOn(open, damaged, reads)),
    ...(isDeleted ? await deleteAll(open, damaged) : []),
  ];
  return judge([...reads, ...fellBack], others, isVerified);
}

const SAME: Outcome = { end: "same" };

type Named = [call: string, outcome: Outcome];

function judge(reads: readonly Named[], others: readonly Named[], isVerified: boolean): Finding {
  const all = [...reads, ...others];
  const find = (from: readonly Named[], end: Outcome["end"]): string | undefined => {
    const found = from.find(([, outcome]) => outcome.end === end);
    if (found === undefined) return undefined;
    const [call, outcome] = found;
    return `${call}: ${"what" in outcome ? outcome.what : ""}${"message" in outcome ? outcome.message : ""}`;
  };
  const raw = find(all, "raw");
  if (raw !== undefined) return { verdict: "raw error", why: raw };
  const wrong = find(reads, "wrong");
  if (wrong !== undefined) return { verdict: "wrong", why: wrong };
  const unwritable = find(all, "unexplained") ?? find(others, "wrong") ?? find(others, "less");
  if (unwritable !== undefined) return { verdict: "unwritable", why: unwritable };
  const less = find(reads, "less");
  if (less !== undefined && !isVerified) return { verdict: "lost silently", why: less };
  const refused = find(reads, "refused");
  if (refused !== undefined && less === undefined)
    return { verdict: "noticed on read", why: refused };
  if (isVerified) return { verdict: "noticed by verifyThread", why: less ?? "" };
  const refusedLater = find(others, "refused");
  return refusedLater === undefined
    ? { verdict: "harmless", why: "" }
    : { verdict: "noticed on read", why: refusedLater };
}

async function readAll(saver: MongoDBSaver, stored: StoredThread): Promise<Named[]> {
  const named: Named[] = [];
  for (const { config, tuple } of stored.tuples) {
    const outcome = await attempt(async () => compare(await saver.getTuple(config), tuple));
    named.push([`getTuple ${JSON.stringify(config.configurable)}`, outcome]);
  }
  return [...named, await readList(saver, stored)];
}

async function readList(saver: MongoDBSaver, { threadId, list }: StoredThread): Promise<Named> {
  const compared = attempt(async () => compareLists(await listAll(saver, threadId), list));
  return [`list of ${threadId}`, await compared];
}

function listAll(saver: MongoDBSaver, threadId: string): Promise<CheckpointTuple[]> {
  return Array.fromAsync(saver.list({ configurable: { thread_id: threadId } }));
}

/** With fall-back, whatever comes must be as it was, and a list leaves out what is damaged only. */
async function fallBack(open: OpenSaver, stored: StoredThread): Promise<Named[]> {
  const saver = open({ onCorruption: "fall-back", onEvent: () => undefined });
  const named: Named[] = [];
  for (const { config } of stored.tuples.slice(0, 2)) {
    const outcome = await attempt(async () => {
      const found = await saver.getTuple(config);
      const compared = compareLists(found === undefined ? [] : [found], stored.list);
      return compared.end === "wrong" ? compared : SAME;
    });
    named.push([`getTuple with fall-back ${JSON.stringify(config.configurable)}`, outcome]);
  }
  const listed = await attempt(async () => {
    const compared = compareLists(await listAll(saver, stored.threadId), stored.list);
    return compared.end === "wrong" ? compared : SAME;
  });
  // It must go on behind what is damaged.
  named.push([
    "list with fall-back",
    listed.end === "refused" && !listed.isAboutKey
      ? { end: "raw", message: listed.message }
      : listed,
  ]);
  return named;
}

async function writeOn(
  open: OpenSaver,
  stored: StoredThread,
  reads: readonly Named[],
): Promise<Named[]> {
  const { config, tuple } = stored.tuples[0]!;
  const parent = tuple.config;
  const wasReadable = reads.slice(0, stored.tuples.length).every(([, { end }]) => end === "same");
  // Where a checkpoint is not there, neither is what is written to it.
  const lost = (what: string): Outcome => (wasReadable ? { end: "less", what } : SAME);
  const named: Named[] = [];
  named.push([
    "putWrites",
    await attempt(async () => {
      await open().putWrites(parent, [["note", "a later write"]], "task-9");
      const found = await open().getTuple(parent);
      return (found?.pendingWrites ?? []).some(([task]) => task === "task-9")
        ? SAME
        : lost("an acknowledged write is not there");
    }),
  ]);
  named.push([
    "put once more",
    await attempt(async () => {
      const { parentConfig = config, checkpoint, metadata } = tuple;
      await open().put(parentConfig, checkpoint, metadata, checkpoint.channel_versions);
      const found = await open().getTuple(parent);
      return found === undefined
        ? lost("an acknowledged checkpoint is not there")
        : compare({ ...found, pendingWrites: [] }, { ...tuple, pendingWrites: [] });
    }),
  ]);
  const values = { ...tuple.checkpoint.channel_values };
  const list = (values["messages"] ?? []) as unknown[];
  Object.assign(values, { messages: [...list, "one more"], count: 100 });
  const versions = { ...tuple.checkpoint.channel_versions, messages: 100, count: 100 };
  const checkpoint = makeCheckpoint(values, { id: uuid6(100), versions });
  let put: RunnableConfig | undefined;
  const outcome = await attempt(async () => {
    put = await open().put(parent, checkpoint, makeMetadata(), { messages: 100, count: 100 });
    return SAME;
  });
  named.push(["put", outcome]);
  if (put === undefined) return named;
  const read = await attempt(async () => {
    const expected = { checkpoint, channels: values };
    const found = await open().getTuple(config);
    return found?.checkpoint.id === expected.checkpoint.id
      ? compare(
          { ...found, pendingWrites: [] },
          { ...found, checkpoint, metadata: makeMetadata(), pendingWrites: [] },
        )
      : { end: "less", what: "an acknowledged checkpoint is not the latest" };
  });
  // Where the thread could be read before, what is acknowledged must be readable.
  const isUnreadable = read.end === "refused" && wasReadable;
  named.push(["getTuple after put", isUnreadable ? { end: "less", what: read.message } : read]);
  return named;
}

async function deleteAll(open: OpenSaver, { threadId, tuples }: StoredThread): Promise<Named[]> {
  const { config, tuple } = tuples[0]!;
  const deleted = await attempt(async () => {
    await open().deleteThread(threadId);
    const found = await listAll(open(), threadId);
    return found.length === 0 && (await open().getTuple(config)) === undefined
      ? SAME
      : { end: "wrong", what: "the thread is still there" };
  });
  const again = await attempt(async () => {
    const { channel_values: values, channel_versions: versions } = tuple.checkpoint;
    const checkpoint = makeCheckpoint(values, { id: uuid6(200), versions });
    await open().put(config, checkpoint, makeMetadata(), versions);
    const found = await open().getTuple(config);
    return found?.checkpoint.id === checkpoint.id
      ? SAME
      : { end: "less", what: "a new thread of the same id cannot be read" };
  });
  return [
    ["deleteThread", deleted],
    ["put after deleteThread", again],
  ];
}

const FAILURES: ReadonlySet<Verdict> = new Set([
  "wrong",
  "lost silently",
  "unwritable",
  "raw error",
]);

/** Whether damage must not come to this. */
export function isFailure(verdict: Verdict): boolean {
  return FAILURES.has(verdict);
}
