import type { RunnableConfig } from "@langchain/core/runnables";
import {
  copyCheckpoint,
  emptyCheckpoint,
  maxChannelVersion,
  uuid6,
  type ChannelVersions,
  type Checkpoint,
  type CheckpointMetadata,
  type CheckpointTuple,
} from "@langchain/langgraph-checkpoint";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { ConcurrentUpdateError } from "../errors/concurrent-update-error.ts";
import { checkOptions } from "../options/check-options.ts";

/** The values of a thread's channels, by channel. */
export type ChannelValues = Readonly<Record<string, unknown>>;

/**
 * Says what is to change. It is called again if another writer was faster, so it should have no effects of its own.
 *
 * @param values of the latest checkpoint; empty if there is none
 * @param tuple the latest checkpoint
 * @returns the channels that change, with their new values; undefined for no change
 */
export type ThreadChange = (
  values: ChannelValues,
  tuple: CheckpointTuple | undefined,
) => ChannelValues | undefined | Promise<ChannelValues | undefined>;

/** How a thread is updated. */
export interface UpdateOptions {
  /**
   * How often it is done again because another writer was faster. After four times, the others wait for it.
   *
   * @default 20
   */
  readonly retries?: number | undefined;
  /**
   * The namespace.
   *
   * @default "": the root graph's
   */
  readonly checkpointNs?: string | undefined;
}

/** What an update needs of a saver. */
export interface UpdatedSaver {
  read(config: RunnableConfig): Promise<CheckpointTuple | undefined>;
  /** @throws ConcurrentUpdateError if the config does not name the latest checkpoint */
  put(
    config: RunnableConfig,
    checkpoint: Checkpoint,
    metadata: CheckpointMetadata,
    newVersions: ChannelVersions,
  ): Promise<RunnableConfig>;
  getNextVersion(current: ChannelVersions[string] | undefined): ChannelVersions[string];
  /** Does something while nobody else writes to the thread. */
  takeTurn<T>(act: () => Promise<T>): Promise<T>;
}

const updateSchema = z.strictObject({
  retries: z.number().int().nonnegative().default(20),
  checkpointNs: z.string().default(""),
});

const ATTEMPTS_BEFORE_TURN = 4;
const FIRST_DELAY_BOUND_MS = 10;

/**
 * Checks how to update.
 *
 * @throws InvalidOptionsError if an option is wrong or unknown
 */
export function checkUpdate(options: unknown): {
  readonly retries: number;
  readonly checkpointNs: string;
} {
  return checkOptions("update", updateSchema, options);
}

/**
 * Reads the latest checkpoint of a thread, and puts one that continues it, unless another writer was faster.
 *
 * @returns the config of the latest checkpoint; undefined if there was none and nothing is to change
 * @throws ConcurrentUpdateError if another writer was faster at each attempt
 */
export async function updateThread(
  saver: UpdatedSaver,
  threadId: string,
  change: ThreadChange,
  { retries, checkpointNs }: ReturnType<typeof checkUpdate>,
): Promise<RunnableConfig | undefined> {
  const place = { configurable: { thread_id: threadId, checkpoint_ns: checkpointNs } };
  const attempt = () => updateOnce(saver, place, change);
  for (let failed = 0; ; failed += 1) {
    try {
      return await (failed < ATTEMPTS_BEFORE_TURN ? attempt() : saver.takeTurn(attempt));
    } catch (error) {
      if (!ConcurrentUpdateError.isInstance(error) || failed >= retries) throw error;
      const boundMs = FIRST_DELAY_BOUND_MS * 2 ** Math.min(failed, ATTEMPTS_BEFORE_TURN);
      await sleep(boundMs * Math.random());
    }
  }
}

async function updateOnce(
  saver: UpdatedSaver,
  place: RunnableConfig,
  change: ThreadChange,
): Promise<RunnableConfig | undefined> {
  const tuple = await saver.read(place);
  const changed = await change(tuple?.checkpoint.channel_values ?? {}, tuple);
  if (changed === undefined) return tuple?.config;
  const former = tuple === undefined ? emptyCheckpoint() : copyCheckpoint(tuple.checkpoint);
  const versions = Object.values(former.channel_versions);
  const highest = versions.length === 0 ? undefined : maxChannelVersion(...versions);
  const next = saver.getNextVersion(highest);
  const newVersions = Object.fromEntries(Object.keys(changed).map((channel) => [channel, next]));
  const step = (tuple?.metadata?.step ?? -2) + 1;
  const checkpoint: Checkpoint = {
    ...former,
    id: uuid6(Math.max(step, 0)),
    ts: new Date().toISOString(),
    channel_values: { ...former.channel_values, ...changed },
    channel_versions: { ...former.channel_versions, ...newVersions },
  };
  const parents = tuple?.metadata?.parents ?? {};
  const metadata: CheckpointMetadata = { source: "update", step, parents };
  return saver.put(tuple?.config ?? place, checkpoint, metadata, newVersions);
}
