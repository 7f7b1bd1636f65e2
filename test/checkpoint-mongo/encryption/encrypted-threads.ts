import type { RunnableConfig } from "@langchain/core/runnables";
import { ERROR, INTERRUPT } from "@langchain/langgraph-checkpoint";
import type { EncryptionOptions, MongoDBSaver } from "@threadkeep/checkpoint-mongo";
import { makeCheckpoint, makeMetadata, threadConfig } from "../make-checkpoint.ts";

/** The master keys of the tests. */
export const OLD_KEY = "the old master key, of 32 bytes or more";
export const NEW_KEY: Uint8Array = Buffer.from("the new master key, of 32 bytes or more");

/** Options with one key. */
export const WITH_OLD: EncryptionOptions = { keys: { old: OLD_KEY }, currentKeyId: "old" };
export const WITH_BOTH: EncryptionOptions = {
  keys: { old: OLD_KEY, new: NEW_KEY },
  currentKeyId: "new",
};
export const WITH_NEW: EncryptionOptions = { keys: { new: NEW_KEY }, currentKeyId: "new" };

/** Random text that no compression shortens, so that it would be seen wherever it lies. */
export function makeNoise(characters: number): string {
  let text = "";
  while (text.length < characters) text += Math.random().toString(36).slice(2);
  return text.slice(0, characters);
}

/**
 * Puts three checkpoints whose channels are stored in all ways, with pending writes.
 *
 * @param mark is part of every value
 * @returns the config of the last one
 */
export async function fillThread(
  saver: MongoDBSaver,
  threadId: string,
  mark: string,
): Promise<RunnableConfig> {
  let config = threadConfig(threadId);
  const items: string[] = [];
  for (let step = 0; step < 3; step += 1) {
    items.push(`${mark} item ${step} ${makeNoise(300)}`);
    const values = {
      inline: mark,
      items: [...items],
      map: { [`${mark} key`]: `${mark} entry ${step}`, long: mark.repeat(40) },
      value: new Date(step),
      text: `${mark} `.repeat(12_000),
    };
    const versions = Object.fromEntries(Object.keys(values).map((name) => [name, step + 1]));
    const checkpoint = makeCheckpoint(values, { versions });
    const metadata = makeMetadata({ step, note: mark, nested: { note: mark } });
    config = await saver.put(config, checkpoint, metadata, versions);
  }
  await saver.putWrites(
    config,
    [
      ["items", `${mark} written`],
      ["inline", mark],
    ],
    "task-1",
  );
  await saver.putWrites(config, [[INTERRUPT, { value: `${mark} question` }]], "task-2");
  await saver.putWrites(config, [[ERROR, { message: `${mark} failed` }]], "task-3");
  return config;
}
