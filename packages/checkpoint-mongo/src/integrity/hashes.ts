// Not by name: see check-node.ts.
import crypto from "node:crypto";
import type { CheckpointAddress } from "../address/address.ts";
import type { CheckpointOrigin } from "../documents/checkpoint-origin.ts";
import { IntegrityKeyError } from "../errors/integrity-key-error.ts";
import { breather } from "../event-loop/breather.ts";
import type { IntegrityKey } from "../keys/integrity-options.ts";
import { isKeyName, type KeyRing } from "../keys/key-ring.ts";

/** Something that is hashed with a key, if there is one. */
interface Keyed {
  /** The name of that key, as stored; undefined without one. */
  readonly keyName: string | undefined;
}

/** The parts of a checkpoint that its hash covers. */
export interface HashedCheckpoint extends Keyed {
  readonly address: CheckpointAddress;
  /** The life of the thread that it belongs to. */
  readonly epoch: number;
  readonly parentCheckpointId: string | undefined;
  readonly parentHash: Uint8Array | undefined;
  readonly order: number;
  /** Header and manifest as plain text. */
  readonly body: Uint8Array;
  /** Ids of the segments, one after the other. */
  readonly segments: Uint8Array;
  /** Metadata as stored, with the type that a user's serializer gave it. */
  readonly metadataType: string | undefined;
  readonly metadata: Uint8Array;
  /** What its config said. */
  readonly origin: CheckpointOrigin;
}

/** A checkpoint whose parent was pruned. */
export interface CutCheckpoint extends Keyed {
  readonly address: CheckpointAddress;
  readonly epoch: number;
  /** The hash of the checkpoint itself. */
  readonly hash: Uint8Array;
}

/** A checkpoint that stayed when others of its namespace were pruned. */
export interface PruneWitness extends Keyed {
  readonly address: CheckpointAddress;
  readonly epoch: number;
  /** Its place in the order. */
  readonly seq: number;
  /** The last place that was pruned. */
  readonly through: number;
}

/** The parts of a set of pending writes that its hash covers. */
export interface HashedWriteSet extends Keyed {
  readonly address: CheckpointAddress;
  /** The life of the thread that it belongs to. */
  readonly epoch: number;
  readonly taskId: string;
  /** Empty if it is not known. */
  readonly taskPath: string;
  /** The place of the set among those of its task. */
  readonly place: number;
  readonly writes: readonly HashedWrite[];
}

/** The parts of a pending write that the hash of its set covers. */
export interface HashedWrite {
  readonly index: number;
  readonly channel: string;
  readonly type: string | undefined;
  /** The plain encoded value. */
  readonly value: Uint8Array;
}

/** The parts of what is stored of a run that its hash covers. */
export interface HashedRunPart extends Keyed {
  readonly runId: string;
  readonly threadId: string;
  /** What it is of the run, for example `input`. */
  readonly part: string;
  /** How often the run was answered before. */
  readonly turn: number;
  readonly type: string | undefined;
  /** The plain encoded value. */
  readonly value: Uint8Array;
}

type Field = string | number | Uint8Array | undefined;

/** The key of a checkpoint: the first 16 bytes of the SHA-256 of its address. */
export function hashAddress(address: CheckpointAddress): Uint8Array {
  return hashFields("address", listParts(address)).subarray(0, 16);
}

/** The key of a part of a segment: the first 16 bytes of the SHA-256 of thread, segment and part. */
export function hashSegmentPlace(threadId: string, root: string, part: number): Uint8Array {
  return hashFields("segment", [threadId, root, part]).subarray(0, 16);
}

/** The key of a set of pending writes: the first 16 bytes of the SHA-256 of where it belongs. */
export function hashWritesPlace(
  address: CheckpointAddress,
  taskId: string,
  place: number,
): Uint8Array {
  return hashFields("writes place", [...listParts(address), taskId, place]).subarray(0, 16);
}

/** Tells whether two runs were started with the same: 32 bytes. With a key, it tells nobody else. */
export function hashRequest(
  fields: readonly (string | Uint8Array | undefined)[],
  key?: IntegrityKey,
): Uint8Array {
  return hashFields("run request", fields, key);
}

/** Confirms the `epoch` in the record of a thread, from the second life on: 8 bytes. */
export function hashLife(threadId: string, epoch: number): Uint8Array {
  return hashFields("life", [threadId, epoch]).subarray(0, 8);
}

/** The name of a namespace in the record of its thread: a field name may not have all characters. */
export function hashNamespace(checkpointNs: string): string {
  return Buffer.from(hashFields("namespace", [checkpointNs]).subarray(0, 6)).toString("hex");
}

/**
 * Hashes documents: SHA-256, or HMAC-SHA-256 with a key, which nobody who lacks the key can compute. The hash
 * covers the name of its key, so it is never valid for another key or for none.
 */
export class Hasher {
  readonly #keys: KeyRing;

  constructor(keys: KeyRing) {
    this.#keys = keys;
  }

  /** The name of the key that new documents are hashed with. */
  get keyName(): string | undefined {
    return this.#keys.current;
  }

  /** The same, but it also reads what was hashed with another key. */
  with(key: IntegrityKey): Hasher {
    return new Hasher(this.#keys.with(key));
  }

  /** Whether documents of this key, or of none, can be verified. */
  has(keyName: string | undefined): boolean {
    return "key" in this.#keys.find(keyName);
  }

  /**
   * The hash of a checkpoint, 32 bytes. It covers the hash of the parent, so checkpoints are a chain.
   *
   * @throws IntegrityKeyError if the ring does not have the key that it names
   */
  hashCheckpoint(parts: HashedCheckpoint): Uint8Array {
    const { address, keyName } = parts;
    const key = this.#choose(keyName, () => describeCheckpoint(address));
    const fields = [
      ...listParts(address),
      parts.parentCheckpointId,
      parts.parentHash,
      parts.order,
      parts.body,
      parts.segments,
      parts.metadataType,
      parts.metadata,
    ];
    const { runId, config } = parts.origin;
    // Checkpoints of no known origin have the hash that they had before there were origins.
    const [domain, all]: [string, readonly Field[]] =
      runId === undefined && config.length === 0
        ? ["checkpoint", fields]
        : ["checkpoint with origin", [...fields, runId, ...config]];
    return hashFields(...nameKey(nameLife(domain, parts.epoch), all, keyName), key);
  }

  /**
   * Confirms that the parent of a checkpoint was pruned, 16 bytes.
   *
   * @throws IntegrityKeyError if the ring does not have the key that it names
   */
  hashCut({ address, epoch, keyName, hash }: CutCheckpoint): Uint8Array {
    const key = this.#choose(keyName, () => describeCheckpoint(address));
    const fields = [...listParts(address), hash];
    return hashFields(...nameKey(nameLife("cut", epoch), fields, keyName), key).subarray(0, 16);
  }

  /**
   * Confirms how far checkpoints of a namespace were pruned, 16 bytes.
   *
   * @throws IntegrityKeyError if the ring does not have the key that it names
   */
  hashPruned({ address, epoch, keyName, seq, through }: PruneWitness): Uint8Array {
    const key = this.#choose(keyName, () => describeCheckpoint(address));
    const fields = [...listParts(address), seq, through];
    return hashFields(...nameKey(nameLife("pruned", epoch), fields, keyName), key).subarray(0, 16);
  }

  /**
   * The hash of a set of pending writes, 32 bytes. It covers their address. They may be large, so it is
   * computed in pieces.
   *
   * @throws IntegrityKeyError if the key that it names is not there
   */
  async hashWriteSet(parts: HashedWriteSet): Promise<Uint8Array> {
    const { address, taskId, taskPath, place, keyName } = parts;
    const key = this.#choose(
      keyName,
      () => `the pending writes of task ${taskId} to ${describeCheckpoint(address)}`,
    );
    const writes = parts.writes.flatMap(({ index, channel, type, value }) => [
      index,
      channel,
      type,
      value,
    ]);
    const fields = [...listParts(address), taskId, place];
    // Sets without a path have the hash that they had before there were paths.
    const [domain, all]: [string, readonly Field[]] =
      taskPath === ""
        ? ["writes", [...fields, ...writes]]
        : ["writes with path", [...fields, taskPath, ...writes]];
    return hashInPieces(...nameKey(nameLife(domain, parts.epoch), all, keyName), key);
  }

  /**
   * Confirms a whole archive of a thread, 32 bytes.
   *
   * @param lines the hash of its lines
   * @throws IntegrityKeyError if the ring does not have the key that it names
   */
  hashArchive(threadId: string, lines: string, keyName: string | undefined): Uint8Array {
    const key = this.#choose(keyName, () => `the archive of thread "${threadId}"`);
    return hashFields(...nameKey("archive", [threadId, lines], keyName), key);
  }

  /**
   * The hash of an encoded value of a run, 32 bytes. It covers the run and the place in it.
   *
   * @throws IntegrityKeyError if the key that it names is not there
   */
  hashRunPart(parts: HashedRunPart): Promise<Uint8Array> {
    const { runId, threadId, part, turn, type, value, keyName } = parts;
    const key = this.#choose(keyName, () => `the ${part} of run "${runId}"`);
    const fields = [runId, threadId, part, turn, type, value];
    return hashInPieces(...nameKey("run", fields, keyName), key);
  }

  #choose(keyName: unknown, describe: () => string): IntegrityKey | undefined {
    if (keyName !== undefined && !isKeyName(keyName)) {
      throw new Error("The name of the key of its hash is not valid.");
    }
    const choice = this.#keys.find(keyName);
    if ("key" in choice) return choice.key;
    throw new IntegrityKeyError(describe(), choice.fault, keyName, this.#keys.names);
  }
}

function describeCheckpoint({ threadId, checkpointNs, checkpointId }: CheckpointAddress): string {
  const namespace = checkpointNs === "" ? "" : ` (namespace "${checkpointNs}")`;
  return `checkpoint ${checkpointId} of thread "${threadId}"${namespace}`;
}

/** Hashes of different lives of a thread differ. */
function nameLife(domain: string, epoch: number): string {
  return epoch === 0 ? domain : `${domain} of life ${epoch}`;
}

function nameKey(
  domain: string,
  fields: readonly Field[],
  keyName: string | undefined,
): [string, readonly Field[]] {
  return keyName === undefined ? [domain, fields] : [`${domain} with key`, [keyName, ...fields]];
}

function listParts({ threadId, checkpointNs, checkpointId }: CheckpointAddress): readonly string[] {
  return [threadId, checkpointNs, checkpointId];
}

/**
 * Hashes fields. Each is preceded by its kind and length, so that different lists of fields never give the
 * same input. The domain keeps hashes of different things apart.
 */
function hashFields(domain: string, fields: readonly Field[], key?: IntegrityKey): Uint8Array {
  // At once: a call of `update` takes longer than hashing a short field.
  return hashAll(Buffer.concat(formatFields(domain, fields)), key);
}

/** Like {@link hashFields}, but in pieces if the fields are long. */
async function hashInPieces(
  domain: string,
  fields: readonly Field[],
  key: IntegrityKey | undefined,
): Promise<Uint8Array> {
  const parts = formatFields(domain, fields);
  const bytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (bytes <= SLICE_BYTES) return hashAll(Buffer.concat(parts, bytes), key);
  const hash = key === undefined ? crypto.createHash("sha256") : crypto.createHmac("sha256", key);
  for (const part of parts) {
    for (let start = 0; start < part.byteLength; start += SLICE_BYTES) {
      const slice = part.subarray(start, start + SLICE_BYTES);
      hash.update(slice);
      if (breather.isDue(slice.byteLength)) await breather.rest();
    }
  }
  return hash.digest();
}

/** Long bytes are hashed in slices of this size. */
const SLICE_BYTES = 1_048_576;

function hashAll(input: Uint8Array, key: IntegrityKey | undefined): Uint8Array {
  return key === undefined
    ? crypto.hash("sha256", input, "buffer")
    : crypto.createHmac("sha256", key).update(input).digest();
}

function formatFields(domain: string, fields: readonly Field[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let text = `threadkeep:${domain}\n`;
  for (const field of fields) {
    if (field === undefined) {
      text += "-\n";
    } else if (typeof field === "number") {
      text += `n${field}\n`;
    } else if (typeof field === "string") {
      text += `s${Buffer.byteLength(field)}\n${field}`;
    } else {
      parts.push(Buffer.from(`${text}b${field.byteLength}\n`), field);
      text = "";
    }
  }
  return text === "" ? parts : [...parts, Buffer.from(text)];
}
