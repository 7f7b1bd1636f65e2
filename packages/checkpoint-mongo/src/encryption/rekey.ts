import { z } from "zod";
import { EncryptionKeyError } from "../errors/encryption-key-error.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { checkOptions } from "../options/check-options.ts";
import type { DataKeys } from "./data-keys.ts";
import type { KeyDocument } from "./key-document.ts";
import type { ThreadEncryption } from "./thread-encryption.ts";

/** How far {@link MongoDBSaver.rekey} has come. */
export interface RekeyProgress {
  /** Data keys that have been looked at. */
  readonly done: number;
  /** Data keys that were to be wrapped anew when it began. */
  readonly total: number;
}

/** Options of {@link MongoDBSaver.rekey}. */
export interface RekeyOptions {
  /**
   * Is called after each data key.
   *
   * @default undefined
   */
  readonly onProgress?: ((progress: RekeyProgress) => void) | undefined;
  /**
   * Ends it early. What was done stays done, and the next call does the rest.
   *
   * @default undefined
   */
  readonly signal?: AbortSignal | undefined;
}

/** A data key that could not be wrapped anew. */
export interface RekeyFailure {
  /** The thread; undefined for the key that all threads share. */
  readonly threadId: string | undefined;
  readonly error: EncryptionKeyError;
}

/** What {@link MongoDBSaver.rekey} did. */
export interface RekeyResult {
  /** The master key that data keys are wrapped with now. */
  readonly keyId: string;
  /** How many were wrapped anew. */
  readonly rewrapped: number;
  /** Those that could not be: they need a key that the saver does not have, or are damaged. */
  readonly failed: readonly RekeyFailure[];
  /** How many data keys still need another master key. That one has to stay until there are none. */
  readonly left: number;
}

const optionsSchema = z.strictObject({
  onProgress: z.custom<RekeyOptions["onProgress"]>(isFunction, "a function").optional(),
  signal: z.instanceof(AbortSignal, { error: "an AbortSignal" }).optional(),
});

/** @throws InvalidOptionsError if something of the options is wrong or unknown */
export function checkRekey(options: unknown): RekeyOptions {
  return checkOptions("rekey", optionsSchema, options);
}

/**
 * Wraps with the current master key all data keys that are wrapped with another one. What is stored of threads
 * stays as it is. Each data key is changed by one command, so it can be ended and begun again at any time.
 *
 * @throws InvalidOptionsError if the saver does not encrypt
 * @throws EncryptionKeyError if the key provider fails
 */
export async function rekey(
  encryption: ThreadEncryption | undefined,
  { onProgress, signal }: RekeyOptions,
): Promise<RekeyResult> {
  if (encryption === undefined) {
    throw new InvalidOptionsError(
      "Cannot rekey: this saver does not encrypt. Pass the option encryption to MongoDBSaver.",
    );
  }
  const { keys } = encryption;
  const total = await countOthers(keys);
  const failed: RekeyFailure[] = [];
  let rewrapped = 0;
  let done = 0;
  for await (const document of findOthers(keys)) {
    if (signal?.aborted === true) break;
    try {
      if (await keys.rewrap(document)) rewrapped += 1;
    } catch (error) {
      if (!EncryptionKeyError.isInstance(error) || error.fault === "provider-failed") throw error;
      failed.push({ threadId: document.thread_id, error });
    }
    done += 1;
    onProgress?.({ done, total: Math.max(done, total) });
  }
  return { keyId: keys.currentKeyId, rewrapped, failed, left: await countOthers(keys) };
}

/** Read in the order of their ids, so that a broken cursor goes on where it was. */
function findOthers({ collection, currentKeyId }: DataKeys): AsyncIterable<KeyDocument> {
  return collection.find({ key_id: { $ne: currentKeyId } }).sort({ _id: 1 });
}

function countOthers({ collection, currentKeyId }: DataKeys): Promise<number> {
  return collection.countDocuments({ key_id: { $ne: currentKeyId } });
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}
