import { AIMessage, HumanMessage } from "@langchain/core/messages";
import type { MongoClient, WithId, Document } from "mongodb";
import {
  makeCheckpoint,
  putCheckpoint,
  threadConfig,
} from "../../checkpoint-mongo/make-checkpoint.ts";
import { fillOfficial, openOfficial } from "../../checkpoint-mongo/migration/fill-official.ts";

/** Threads that the official saver stores itself. Those of the first two have a fork, a subgraph and an interrupt. */
const MODELS = 20;
const RICH_MODELS = 2;

/**
 * Stores threads with the official saver, and copies of what it stored under further ids.
 *
 * @returns their ids
 */
export async function storeOriginals(
  client: MongoClient,
  dbName: string,
  threads: number,
): Promise<readonly string[]> {
  const official = openOfficial(client, dbName);
  await official.setup();
  const ids = Array.from({ length: threads }, (_, index) => `thread-${index}`);
  for (const [index, threadId] of ids.slice(0, MODELS).entries()) {
    if (index < RICH_MODELS) {
      await fillOfficial(official, threadId, 1);
      continue;
    }
    const checkpoint = makeCheckpoint({ messages: [new HumanMessage(threadId)], count: 1 });
    const config = await putCheckpoint(official, threadConfig(threadId), checkpoint);
    await official.putWrites(config, [["messages", new AIMessage("next")]], "task");
  }
  for (const name of ["checkpoints", "checkpoint_writes"]) {
    const collection = client.db(dbName).collection(name);
    const ofModels = await collection.find().toArray();
    const copies = ids
      .slice(MODELS)
      .flatMap((threadId, index) => copyAs(threadId, `thread-${index % MODELS}`, ofModels));
    if (copies.length > 0) await collection.insertMany(copies);
  }
  return ids;
}

function copyAs(
  threadId: string,
  model: string,
  documents: readonly WithId<Document>[],
): Document[] {
  return documents
    .filter(({ thread_id: of }) => of === model)
    .map(({ _id, thread_id: _of, ...document }) =>
      Object.assign(document, { thread_id: threadId }),
    );
}
