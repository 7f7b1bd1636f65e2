import type { CheckpointPendingWrite } from "@langchain/langgraph-checkpoint";
import type { CheckpointAddress } from "../address/address.ts";
import { unpack } from "../codec/index.ts";
import type { SegmentId, WriteDocument } from "../documents/index.ts";
import { CorruptCheckpointError } from "../errors/index.ts";
import { binaryToHex, compareWrites, toPackedBytes } from "../store/index.ts";
import { throwFault, type Contents } from "./contents.ts";
import type { SaverContext } from "./context.ts";
import type { TypedBytes } from "./serializer.ts";

/** What turns stored bytes into values. */
export type ReadingTools = Pick<SaverContext, "serializer" | "hasher">;

/** The segments that hold the values of large pending writes. */
export function listWriteSegments(writes: readonly WriteDocument[]): SegmentId[] {
  return writes.flatMap(({ value }) => ("segment" in value ? [binaryToHex(value.segment)] : []));
}

/** Where the checkpoint lies that a pending write belongs to. */
export function readWriteAddress(document: WriteDocument): CheckpointAddress {
  return {
    threadId: document.thread_id,
    checkpointNs: document.checkpoint_ns,
    checkpointId: document.checkpoint_id,
  };
}

/**
 * Decodes pending writes, ordered by task and position.
 *
 * @throws CorruptCheckpointError if one is not as it was written
 */
export async function readWrites(
  documents: readonly WriteDocument[],
  contents: Contents,
  tools: ReadingTools,
): Promise<CheckpointPendingWrite[]> {
  const writes: CheckpointPendingWrite[] = [];
  for (const document of documents.toSorted(compareWrites)) {
    const value = await tools.serializer.decode(
      readWriteValue(document, contents, tools),
      "pending write",
    );
    writes.push([document.task_id, document.channel, value]);
  }
  return writes;
}

/**
 * Reads the bytes of a pending write's value and verifies its hash.
 *
 * @throws CorruptCheckpointError if it is not as it was written
 */
export function readWriteValue(
  document: WriteDocument,
  contents: Contents,
  { hasher }: Pick<ReadingTools, "hasher">,
): TypedBytes {
  const address = readWriteAddress(document);
  const { type } = document;
  let bytes: Uint8Array;
  try {
    if ("segment" in document.value) {
      const id = binaryToHex(document.value.segment);
      bytes =
        (contents.get(id) as { bytes: Uint8Array } | undefined)?.bytes ??
        throwFault(address, id, contents);
    } else {
      bytes = unpack(toPackedBytes(document.value));
    }
  } catch (error) {
    if (CorruptCheckpointError.isInstance(error)) throw error;
    throw corruptWrite(address, document, "a readable value", String(error), error);
  }
  const expected = binaryToHex(document.hash);
  const hash = hasher.hashWrite({
    address,
    taskId: document.task_id,
    index: document.idx,
    set: document.set ?? [document.idx],
    channel: document.channel,
    type,
    value: bytes,
  });
  const found = Buffer.from(hash).toString("hex");
  if (found !== expected) {
    throw corruptWrite(address, document, `the hash ${expected}`, `the hash ${found}`);
  }
  return { type, bytes };
}

/**
 * Checks that writes of a checkpoint that were stored together are there together.
 *
 * @throws CorruptCheckpointError if one is missing
 */
export function checkSets(documents: readonly WriteDocument[]): void {
  const present = new Set(documents.map(({ task_id, idx }) => `${idx} ${task_id}`));
  for (const document of documents) {
    for (const index of document.set ?? []) {
      if (present.has(`${index} ${document.task_id}`)) continue;
      throw new CorruptCheckpointError(readWriteAddress(document), {
        document: "write",
        which: `${document.task_id}/${index}`,
        expected: "it to exist",
        found: "nothing",
      });
    }
  }
}

function corruptWrite(
  address: CheckpointAddress,
  document: WriteDocument,
  expected: string,
  found: string,
  cause?: unknown,
): CorruptCheckpointError {
  const which = `${document.task_id}/${document.idx} to channel "${document.channel}"`;
  return new CorruptCheckpointError(
    address,
    { document: "write", which, expected, found },
    { cause },
  );
}
