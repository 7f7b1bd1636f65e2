import type { SaverContext } from "../context/context.ts";
import type { CheckpointDocument } from "../documents/documents.ts";
import { decodeMetadata } from "../read/read-tuple.ts";
import type { CheckpointRecord } from "../records/checkpoint-record.ts";
import { splitSearchable } from "../records/search-tokens.ts";
import { toSearchable } from "../records/searchable-metadata.ts";

/** The fields of a checkpoint that hold its metadata. */
export type MetadataFields = Pick<CheckpointDocument, "metadata" | "metadata_encoded" | "tokens">;

/**
 * The metadata of a checkpoint as an encrypted saver stores it, wherever it comes from: all of it in the field that is
 * encrypted, and beside it what its searches go by.
 *
 * @returns undefined if the saver does not encrypt: then it stays as it is
 */
export async function toSealedMetadata(
  { serializer, store: { encryption } }: SaverContext,
  record: CheckpointRecord,
): Promise<MetadataFields | undefined> {
  if (encryption === undefined) return undefined;
  const { type, bytes } = record.metadata;
  if (type !== undefined) return { metadata_encoded: { type, data: Buffer.from(bytes) } };
  const decoded = serializer.isNative ? await decodeMetadata(record, { serializer }) : undefined;
  const isObject = typeof decoded === "object" && decoded !== null;
  const { clear, tokens } = splitSearchable(isObject ? toSearchable(decoded) : {}, encryption);
  return {
    ...(clear !== undefined && { metadata: clear }),
    ...(tokens.length > 0 && { tokens }),
    metadata_encoded: Buffer.from(bytes).toString(),
  };
}
