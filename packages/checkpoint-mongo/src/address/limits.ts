/**
 * The most bytes of UTF-8 that each name may take. Together they stay below 64 kB. A document may take 16 MB,
 * and index entries are not limited since MongoDB 4.2. Other servers have lower limits: Amazon DocumentDB
 * allows 2,048 bytes for all fields of an index entry.
 */
export const MAX_BYTES = {
  threadId: 2_048,
  /** About 250 nested subgraphs: each adds the name of its node and the id of a task. */
  checkpointNs: 16_384,
  checkpointId: 1_024,
  taskId: 1_024,
  taskPath: 16_384,
  channel: 4_096,
  /** The id of a run, or the value of a field of the config that is searched by. */
  origin: 1_024,
} as const;

/** Whether a text takes more bytes than a name may. */
export function isTooLong(text: string, maxBytes: number): boolean {
  // A UTF-16 code unit takes at most three bytes.
  return text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes;
}
