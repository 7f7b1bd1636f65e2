/**
 * The most bytes of UTF-8 that each name may take. Together they stay below 64 kB, whereas a document
 * takes 16 MB and an index entry has no bound since MongoDB 4.2. Older and other servers have lower
 * ones: Amazon DocumentDB takes 2,048 bytes for all fields of an index entry together.
 */
export const MAX_BYTES = {
  threadId: 2_048,
  /** Some 250 subgraphs within each other: each adds its node's name and the id of a task. */
  checkpointNs: 16_384,
  checkpointId: 1_024,
  taskId: 1_024,
  taskPath: 16_384,
  channel: 4_096,
} as const;

/** Whether a text takes more bytes than a name may. */
export function isTooLong(text: string, maxBytes: number): boolean {
  // No character of UTF-16 takes more than three.
  return text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes;
}
