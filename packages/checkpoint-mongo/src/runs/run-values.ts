import { packAside, unpackAside } from "../codec/bytes/compression.ts";
import type { SaverContext } from "../context/context.ts";
import { isBinary, toBytes } from "../driver/binary.ts";
import { openValue, sealValue } from "./seal-value.ts";
import { CorruptRunError } from "../errors/corrupt-run-error.ts";
import { ThreadkeepError } from "../errors/threadkeep-error.ts";
import type { TypedBytes } from "../records/value-writer.ts";
import type { StoredValue } from "./run-document.ts";

/** Where a value belongs. */
export interface ValuePlace {
  readonly runId: string;
  readonly threadId: string;
  /** `input`, `waiting`, or `answer to …`. */
  readonly part: string;
  /** How often the run was answered before. */
  readonly turn: number;
}

/** Makes what is stored of an encoded value. */
export async function storeValue(
  { hasher, store: { encryption, Binary } }: Pick<SaverContext, "hasher" | "store">,
  place: ValuePlace,
  { type, bytes }: TypedBytes,
): Promise<StoredValue> {
  const { keyName } = hasher;
  const hash = await hasher.hashRunPart({ ...place, type, value: bytes, keyName });
  const { data, compression } = await packAside(bytes);
  return {
    ...(type !== undefined && { type }),
    data: encryption === undefined ? data : sealValue(encryption, Binary, place, data),
    ...(compression !== undefined && { compression }),
    ...(keyName !== undefined && { key_name: keyName }),
    hash,
  };
}

/**
 * Reads a stored value: verified, unpacked, decoded.
 *
 * @throws CorruptRunError if it is not what was stored there
 * @throws IntegrityKeyError if it was hashed with a key that the saver does not have
 */
export async function readValue(
  { serializer, hasher, settings, store: { encryption } }: SaverContext,
  place: ValuePlace,
  stored: StoredValue | undefined,
): Promise<unknown> {
  const { runId, part } = place;
  try {
    if (stored === undefined || !isBinary(stored.data) || !isBinary(stored.hash)) {
      throw new Error("It is not there.");
    }
    const { type, compression, key_name: keyName } = stored;
    const data = openValue(encryption, place, stored.data);
    const packed = { data, compression: compression as "zstd" | undefined };
    const bytes = await unpackAside(packed, settings.maxContentBytes);
    const hash = await hasher.hashRunPart({ ...place, type, value: bytes, keyName });
    if (Buffer.compare(hash, toBytes(stored.hash)) !== 0) throw new Error("It has another hash.");
    return await serializer.decode({ type, bytes }, `${part} of a run`);
  } catch (error) {
    // What this package refuses on purpose is not damaged.
    if (ThreadkeepError.isInstance(error)) throw error;
    throw new CorruptRunError(runId, part, { cause: error });
  }
}
