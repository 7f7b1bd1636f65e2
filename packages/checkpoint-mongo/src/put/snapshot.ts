import type {
  ChannelVersions,
  Checkpoint,
  CheckpointMetadata,
} from "@langchain/langgraph-checkpoint";
import { isDeepStrictEqual } from "node:util";
import type { CheckpointAddress } from "../address/address.ts";
import type { FindKnown } from "../codec/channels/pieces.ts";
import { findWrapper } from "../codec/channels/wrapped-values.ts";
import {
  type CheckpointHeader,
  readHeader,
  writeHeader,
} from "../codec/checkpoints/checkpoint-text.ts";
import type { SaverContext } from "../context/context.ts";
import type { ChannelManifest } from "../documents/manifest.ts";
import { parseSegmentId } from "../documents/segment-id.ts";
import type { Cache } from "../memory/cache.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import { toSearchable } from "../records/searchable-metadata.ts";
import { recallEarlier } from "./earlier-values.ts";
import {
  quiet,
  type Awaitable,
  type TypedBytes,
  type ValueWriter,
  type WrittenChannel,
} from "../records/value-writer.ts";

/** What `put` is asked to store. */
export interface PutRequest {
  readonly address: CheckpointAddress;
  readonly parentCheckpointId: string | undefined;
  readonly checkpoint: Checkpoint;
  readonly metadata: CheckpointMetadata | undefined;
  /** Undefined where the caller does not say which channels have changed. */
  readonly newVersions: ChannelVersions | undefined;
}

/** Metadata as it was when it was handed over. */
export interface WrittenMetadata {
  readonly encoded: TypedBytes;
  /** The part of it that the server can search; undefined with a serializer of the user's. */
  readonly searchable: Readonly<Record<string, unknown>> | undefined;
  /** Whether that is all of it. */
  readonly isAll: boolean;
}

/**
 * A checkpoint as it was when it was handed to `put`: encoded before anything is awaited, because
 * LangGraph uses the same objects further at once, and reducers may change them.
 *
 * All channels are compared with the parent, also those that the caller does not name: nodes change
 * what channels hold without a new version. A channel that is as in the parent is not encoded, if this
 * process knows the parent.
 */
export class Snapshot {
  readonly headerText: string;
  readonly header: CheckpointHeader;
  readonly metadata: Awaitable<WrittenMetadata>;
  /** Whether its state can only be put together with that of its ancestors. */
  readonly needsAncestors: boolean;
  /** All channels, in the order of the state. */
  readonly channels: readonly string[];
  readonly #values: Readonly<Record<string, unknown>>;
  /** The channels that have changed, as the caller says; undefined where that may be all. */
  readonly #named: ReadonlySet<string> | undefined;
  readonly #cache: Cache;
  readonly #parent: CheckpointRecord | undefined;
  readonly #findKnown: FindKnown;
  readonly #isNative: boolean;
  readonly #writer: ValueWriter;
  readonly #written = new Map<string, Outcome<Awaitable<WrittenChannel>>>();

  /** @throws UnserializableStateError if something that has changed could not come back as it is */
  constructor(
    { cache, serializer }: Pick<SaverContext, "cache" | "serializer">,
    request: PutRequest,
  ) {
    const { address, checkpoint, newVersions, parentCheckpointId } = request;
    this.#cache = cache;
    this.#parent =
      parentCheckpointId === undefined
        ? undefined
        : cache.getRecord({ ...address, checkpointId: parentCheckpointId });
    this.#findKnown = (id) => {
      const segment = cache.peekSegment(address.threadId, parseSegmentId(id).root);
      return segment !== undefined && "lines" in segment ? segment : undefined;
    };
    this.#isNative = serializer.isNative;
    this.#writer = serializer.createWriter();
    const { id: _id, channel_values: values, ...header } = checkpoint;
    this.needsAncestors = needsAncestors(checkpoint, request.metadata);
    this.channels = Object.keys(values);
    this.#values = { ...values };
    this.#named =
      newVersions === undefined || mayUnderstate(request.metadata)
        ? undefined
        : new Set(Object.keys(newVersions));
    this.headerText = writeHeader(header);
    this.header = readHeader(this.headerText);
    this.metadata = quiet(writeMetadata(this.#writer, request.metadata));
    const presumed = parentCheckpointId === undefined ? undefined : (this.#parent ?? "missing");
    for (const channel of this.channels) {
      if (!this.mayDiffer(channel, presumed)) continue;
      const outcome = attempt(() => quiet(this.#write(channel)));
      // A channel that is not named may stay as the parent has it. If it does not, it is refused then.
      if ("error" in outcome && this.#isNamed(channel)) throw outcome.error;
      this.#written.set(channel, outcome);
    }
  }

  /**
   * Whether a channel may differ from the parent's, so that it is to be compared with it.
   *
   * @param parent the checkpoint that it becomes a child of; `"missing"` if there should be one but
   *   it is not stored
   */
  mayDiffer(channel: string, parent: CheckpointRecord | "missing" | undefined): boolean {
    if (this.#isNamed(channel)) return true;
    // The first checkpoint of a thread holds just what newVersions names.
    if (parent === undefined) return false;
    // Bytes of a user's serializer cannot be compared: it may encrypt a value differently each time. So
    // the versions decide. They also differ if the state was made from another parent.
    return (
      this.#isNative ||
      parent === "missing" ||
      !parent.manifest.has(channel) ||
      this.header.channel_versions[channel] !== parent.header.channel_versions[channel]
    );
  }

  /**
   * A channel's value. One that was left to the parent, with a serializer of the user's, is encoded
   * now if the parent no longer exists because the thread was deleted during the run.
   *
   * @throws UnserializableStateError if it could not come back as it is
   */
  read(channel: string): Awaitable<WrittenChannel> {
    const outcome = this.#written.get(channel);
    if (outcome === undefined) return this.#write(channel);
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  #write(channel: string): Awaitable<WrittenChannel> {
    const value = this.#values[channel];
    const stored = this.#recall(channel, value);
    return this.#writer.writeChannel(channel, value, stored, this.#findKnown);
  }

  /** The stored form of the value that this one is compared with. */
  #recall(channel: string, value: unknown): ChannelManifest | undefined {
    if (this.#parent === undefined) return undefined;
    const stored = this.#parent.manifest.get(channel);
    return stored === undefined && this.#isNative && findWrapper(value) === "delta"
      ? recallEarlier(this.#cache, this.#parent, channel)
      : stored;
  }

  #isNamed(channel: string): boolean {
    return this.#named === undefined || this.#named.has(channel);
  }
}

/**
 * Whether newVersions may leave out channels that have changed: LangGraph names nothing for a copy, and
 * for an update it first applies pending writes without counting up the versions of their channels.
 */
function mayUnderstate(metadata: CheckpointMetadata | undefined): boolean {
  return metadata?.source === "fork" || metadata?.source === "update";
}

/**
 * A DeltaChannel's value is put together from what was written since its last snapshot, and the
 * tasks that a checkpoint of format 1 to 3 sent lie among its parent's writes.
 */
function needsAncestors(checkpoint: Checkpoint, metadata: CheckpointMetadata | undefined): boolean {
  const marks = ["counters_since_delta_snapshot", "delta_writes_versioned"];
  return checkpoint.v < 4 || marks.some((mark) => Object.hasOwn(metadata ?? {}, mark));
}

/** Encodes metadata at once. */
export function writeMetadata(
  writer: ValueWriter,
  metadata: CheckpointMetadata | undefined,
): Awaitable<WrittenMetadata> {
  const encoded = writer.writeValue(metadata, "metadata");
  if (encoded instanceof Promise) {
    // A serializer of the user's may encrypt: then nothing lies in clear.
    return encoded.then((typed) => ({ encoded: typed, searchable: undefined, isAll: false }));
  }
  const searchable = toSearchable(metadata ?? {});
  return { encoded, searchable, isAll: isDeepStrictEqual(searchable, metadata) };
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown };

function attempt<T>(action: () => T): Outcome<T> {
  try {
    return { value: action() };
  } catch (error) {
    return { error };
  }
}
