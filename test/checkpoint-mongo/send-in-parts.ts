import type { BulkWriteResult } from "mongodb";

/** What a saver reads of the reply to a command with several updates. */
type Reply = Pick<BulkWriteResult, "matchedCount" | "upsertedIds">;

/** The error of a command of which the server has refused an update. */
interface RefusedError extends Error {
  readonly code?: number;
  readonly writeErrors?: { readonly index: number } | readonly { readonly index: number }[];
  readonly result?: Pick<Reply, "upsertedIds">;
}

/**
 * Sends the updates of one ordered command by several, as if the server let something else in between
 * two of its updates, which it may. The reply, or the error, is that of one command.
 *
 * @param send sends one command
 * @param between happens before each part but the first
 */
export async function sendInParts<Update>(
  send: (updates: readonly Update[]) => Promise<Reply>,
  parts: readonly (readonly Update[])[],
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Reply> {
  let sent = 0;
  let matchedCount = 0;
  const upsertedIds: Record<number, unknown> = {};
  const addUpserted = (ids: Reply["upsertedIds"] = {}): void => {
    for (const [index, id] of Object.entries(ids)) upsertedIds[sent + Number(index)] = id;
  };
  for (const [number, part] of parts.entries()) {
    if (number > 0) await between();
    if (part.length === 0) continue;
    try {
      const reply = await send(part);
      addUpserted(reply.upsertedIds);
      matchedCount += reply.matchedCount;
      sent += part.length;
    } catch (error) {
      const { name, message, code, writeErrors = [], result } = error as RefusedError;
      const [first] = [writeErrors].flat();
      if (first === undefined) throw error;
      addUpserted(result?.upsertedIds);
      throw Object.assign(new Error(message, { cause: error }), {
        name,
        code,
        writeErrors: [{ code, index: sent + first.index }],
        result: { upsertedIds },
      });
    }
  }
  return { matchedCount, upsertedIds };
}
