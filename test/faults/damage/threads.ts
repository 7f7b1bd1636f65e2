import { HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import {
  INTERRUPT,
  RESUME,
  TASKS,
  type PendingWrite,
  type SerializerProtocol,
} from "@langchain/langgraph-checkpoint";
import type { MongoDBSaver, MongoDBSaverSettings } from "@threadkeep/checkpoint-mongo";
import { makeCheckpoint, makeMetadata } from "../../checkpoint-mongo/make-checkpoint.ts";
import { randomText } from "../../checkpoint-mongo/random-text.ts";

/** The thread that is damaged, and the one beside it that documents are taken from and put into. */
export const DAMAGED = "damaged-thread";
export const BESIDE = "thread-beside";

/** How what is damaged was written. */
export interface Variant {
  readonly name: string;
  readonly settings: MongoDBSaverSettings;
  readonly serde?: SerializerProtocol;
  /** Writes one thread. */
  readonly write: (saver: MongoDBSaver, threadId: string) => Promise<void>;
  /** Which kinds of documents are damaged; by default all. */
  readonly kinds?: readonly string[];
}

/** Keeps values as JSON, as a user's serializer may. */
const JSON_SERDE: SerializerProtocol = {
  dumpsTyped: (value) =>
    Promise.resolve(["own-json", Buffer.from(JSON.stringify(value) ?? "null")]),
  loadsTyped: (_type, data) =>
    Promise.resolve(JSON.parse(Buffer.from(data as Uint8Array).toString()) as unknown),
};

const KEY = "a key of at least sixteen bytes";

export const VARIANTS: readonly Variant[] = [
  { name: "plain", settings: {}, write: writeEverything },
  { name: "with a key", settings: { integrity: { key: KEY } }, write: writeEverything },
  { name: "with a TTL", settings: { ttl: 7 * 24 * 3_600 }, write: writeEverything },
  { name: "with a serializer", settings: {}, serde: JSON_SERDE, write: writeEverything },
  {
    name: "encrypted",
    settings: { encryption: { keys: { key: KEY.repeat(2) }, currentKeyId: "key" } },
    write: writeEverything,
  },
  { name: "of several parts", settings: {}, write: writeLarge, kinds: ["segment"] },
];

/** Checkpoints in two namespaces whose documents have every field that documents can have. */
async function writeEverything(saver: MongoDBSaver, threadId: string): Promise<void> {
  let config: RunnableConfig = { configurable: { thread_id: threadId, checkpoint_ns: "" } };
  for (let step = 0; step < 4; step += 1) {
    config = await putStep(saver, config, step, threadId);
    if (step === 1) {
      await saver.putWrites(config, writesOf(threadId), "task-1", "~path, 1");
      await saver.putWrites(config, [[TASKS, { node: "a", args: threadId }]], "task-2");
    }
  }
  await saver.putWrites(config, writesOf(threadId), "task-1", "~path, 1");
  await saver.putWrites(config, [[INTERRUPT, { value: `may I, ${threadId}?` }]], "task-2");
  await saver.putWrites(config, [[RESUME, [`yes, ${threadId}`]]], "task-2");
  let inner: RunnableConfig = { configurable: { thread_id: threadId, checkpoint_ns: "sub:1" } };
  for (let step = 0; step < 2; step += 1) inner = await putStep(saver, inner, step, threadId);
}

async function putStep(
  saver: MongoDBSaver,
  parent: RunnableConfig,
  step: number,
  threadId: string,
): Promise<RunnableConfig> {
  const text = (name: string) => `${name} ${step} of ${threadId} `.repeat(20);
  const values = {
    messages: Array.from(
      { length: step + 1 },
      (_, at) =>
        new HumanMessage({ content: `message ${at} of ${threadId} `.repeat(20), id: `${at}` }),
    ),
    files: Object.fromEntries([
      ["a.txt", text("a file")],
      [`${step}.txt`, text("another file")],
    ]),
    note: text("a note"),
    count: step,
  };
  const versions = Object.fromEntries(Object.keys(values).map((name) => [name, step + 1]));
  const checkpoint = makeCheckpoint(values, { versions });
  const metadata = makeMetadata({
    step,
    // Some metadata is all that a search can find, some is not.
    ...(step % 2 === 1 && { at: new Date(0), user: { id: step } }),
  });
  return saver.put(parent, checkpoint, metadata, versions);
}

function writesOf(threadId: string): PendingWrite[] {
  return [
    ["messages", `pending in ${threadId} `.repeat(20)],
    ["count", 1],
  ];
}

/** A pending write that lies in a segment of two parts. */
async function writeLarge(saver: MongoDBSaver, threadId: string): Promise<void> {
  const thread = { configurable: { thread_id: threadId, checkpoint_ns: "" } };
  const checkpoint = makeCheckpoint({ messages: [threadId] });
  const config = await saver.put(thread, checkpoint, makeMetadata(), { messages: 1 });
  const length = threadId === DAMAGED ? LARGE : 1_000;
  await saver.putWrites(config, [["large", randomText(length)]], "task-1");
}

/** Compressed, that is a little more than goes into one document. */
const LARGE = 5_300_000;
