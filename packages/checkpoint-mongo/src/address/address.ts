import type { RunnableConfig } from "@langchain/core/runnables";
import { InvalidAddressError } from "../errors/invalid-address-error.ts";
import { isTooLong, MAX_BYTES } from "./limits.ts";

/** Where the checkpoints of one graph or subgraph of a thread lie. */
export interface NamespaceAddress {
  readonly threadId: string;
  /** Empty for the root graph; `node:task` parts joined by `|` for subgraphs. */
  readonly checkpointNs: string;
}

/** Where one checkpoint lies. */
export interface CheckpointAddress extends NamespaceAddress {
  readonly checkpointId: string;
}

/** An address as callers give it: without a checkpoint, it means the latest one. */
export interface OpenAddress extends NamespaceAddress {
  readonly checkpointId: string | undefined;
}

/** What a list query asks for. Parts that are undefined match everything. */
export interface AddressFilter {
  readonly threadId: string | undefined;
  readonly checkpointNs: string | undefined;
  readonly checkpointId: string | undefined;
}

/**
 * Reads an address from a config. A missing or null `checkpoint_ns` is the root graph; a missing,
 * null or empty `checkpoint_id` leaves the checkpoint open.
 *
 * @throws InvalidAddressError if `thread_id` is missing or empty, or any part is not a string or too long
 */
export function parseAddress(config: RunnableConfig): OpenAddress {
  return {
    threadId: parseThreadId(config.configurable?.["thread_id"]),
    ...parseOptionalParts(config),
  };
}

/**
 * Like {@link parseAddress}, but undefined without a `thread_id`, as LangGraph's reads expect.
 *
 * @throws InvalidAddressError if a part is not a string or too long, or `thread_id` is empty
 */
export function parseAddressToRead(config: RunnableConfig): OpenAddress | undefined {
  return config.configurable?.["thread_id"] === undefined ? undefined : parseAddress(config);
}

/**
 * Reads the address of one checkpoint.
 *
 * @throws InvalidAddressError if any part is missing, not a string or too long
 */
export function parseCheckpointAddress(config: RunnableConfig): CheckpointAddress {
  const { checkpointId, ...namespace } = parseAddress(config);
  if (checkpointId === undefined) {
    throw new InvalidAddressError(
      "configurable.checkpoint_id",
      "the id of the checkpoint",
      config.configurable?.["checkpoint_id"],
    );
  }
  return { ...namespace, checkpointId };
}

/**
 * Reads the filter of a list query: each part may be missing, also the whole config. A null `checkpoint_ns`
 * is the root graph.
 *
 * @throws InvalidAddressError if a part is not a string or too long, or `thread_id` is empty
 */
export function parseAddressFilter(config: RunnableConfig | null | undefined): AddressFilter {
  const { thread_id: threadId, checkpoint_ns: checkpointNs } = config?.configurable ?? {};
  const parts = parseOptionalParts(config ?? {});
  return {
    threadId: threadId === undefined ? undefined : parseThreadId(threadId),
    checkpointNs: checkpointNs === undefined ? undefined : parts.checkpointNs,
    checkpointId: parts.checkpointId,
  };
}

/**
 * Checks a thread id.
 *
 * @throws InvalidAddressError if it is not a string, empty or too long
 */
export function parseThreadId(value: unknown): string {
  return requireNonEmpty("configurable.thread_id", value, MAX_BYTES.threadId);
}

/**
 * Checks the id of a checkpoint to store.
 *
 * @throws InvalidAddressError if it is not a string, empty or too long
 */
export function parseNewCheckpointId(value: unknown): string {
  return requireNonEmpty("checkpoint.id", value, MAX_BYTES.checkpointId);
}

/**
 * Checks a task id.
 *
 * @throws InvalidAddressError if it is not a string, empty or too long
 */
export function parseTaskId(value: unknown): string {
  return requireNonEmpty("taskId", value, MAX_BYTES.taskId);
}

/**
 * Checks a task path. Empty means that it is not known.
 *
 * @throws InvalidAddressError if it is given and not a string, or too long
 */
export function parseTaskPath(value: unknown): string {
  return requireString("taskPath", value ?? "", MAX_BYTES.taskPath);
}

/** The config that names this checkpoint. */
export function toConfig(address: CheckpointAddress): RunnableConfig {
  return {
    configurable: {
      thread_id: address.threadId,
      checkpoint_ns: address.checkpointNs,
      checkpoint_id: address.checkpointId,
    },
  };
}

function parseOptionalParts(config: RunnableConfig): {
  checkpointNs: string;
  checkpointId: string | undefined;
} {
  const { checkpoint_ns: checkpointNs, checkpoint_id: checkpointId } = config.configurable ?? {};
  return {
    checkpointNs: requireString(
      "configurable.checkpoint_ns",
      checkpointNs ?? "",
      MAX_BYTES.checkpointNs,
    ),
    checkpointId:
      checkpointId === undefined || checkpointId === null || checkpointId === ""
        ? undefined
        : requireString("configurable.checkpoint_id", checkpointId, MAX_BYTES.checkpointId),
  };
}

function requireString(field: string, value: unknown, maxBytes: number): string {
  if (typeof value !== "string") throw new InvalidAddressError(field, "a string", value);
  // UTF-8 has no lone surrogates: the server would store another string.
  if (!value.isWellFormed()) {
    throw new InvalidAddressError(field, "a string of whole Unicode characters", value);
  }
  if (isTooLong(value, maxBytes)) {
    throw new InvalidAddressError(field, `at most ${maxBytes} bytes of UTF-8`, value);
  }
  return value;
}

function requireNonEmpty(field: string, value: unknown, maxBytes: number): string {
  if (value === "") throw new InvalidAddressError(field, "a non-empty string", value);
  return requireString(field, value, maxBytes);
}
