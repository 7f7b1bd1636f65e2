import type { CheckpointAddress } from "../address/address.ts";
import { CorruptCheckpointError } from "../errors/corrupt-checkpoint-error.ts";
import { type NamedDocument, asNotDecodable } from "../errors/corruption.ts";
import { ThreadkeepError } from "../errors/threadkeep-error.ts";
import { UnsupportedFormatError } from "../errors/unsupported-format-error.ts";
import type { Serializer } from "./serializer.ts";

/**
 * Decodes something of a checkpoint whose bytes are verified. If they do not decode, the checkpoint
 * counts as damaged. What a user's serializer throws is passed on: it gave these bytes itself.
 *
 * @param corruption which document it is, and where in it
 * @throws CorruptCheckpointError if it does not decode
 * @throws UnsupportedFormatError if a newer version of this package has written it
 */
export async function decodeStored<T>(
  address: CheckpointAddress,
  corruption: NamedDocument,
  { isNative }: Pick<Serializer, "isNative">,
  decode: () => Promise<T>,
): Promise<T> {
  if (!isNative) return decode();
  try {
    return await decode();
  } catch (error) {
    if (UnsupportedFormatError.isInstance(error)) throw locateFormat(error, address);
    // A value that the package refuses on purpose is not damaged.
    if (ThreadkeepError.isInstance(error)) throw error;
    const fault = asNotDecodable(error);
    throw new CorruptCheckpointError(address, { ...corruption, ...fault }, { cause: error });
  }
}

/** Adds where a newer format was met. */
export function locateFormat(
  error: UnsupportedFormatError,
  { threadId, checkpointNs, checkpointId }: CheckpointAddress,
): UnsupportedFormatError {
  if (error.where !== undefined) return error;
  const namespace = checkpointNs === "" ? "" : ` (namespace "${checkpointNs}")`;
  const where = `Checkpoint ${checkpointId} of thread "${threadId}"${namespace}`;
  return new UnsupportedFormatError(error.what, where, { cause: error });
}
