import type { Document } from "mongodb";
import type { Send } from "../network/command-proxy.ts";

/** One update of an `update` command, as it is sent. */
export interface SentUpdate {
  readonly q: Readonly<Record<string, unknown>>;
  readonly u: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly upsert?: boolean;
  readonly multi?: boolean;
}

/** The updates of a command; none if it is another one. */
export function listUpdates(command: Document): readonly SentUpdate[] {
  return (command["updates"] ?? []) as readonly SentUpdate[];
}

/** Whether a command carries out what several puts or putWrites have to store. */
export function isSave(command: Document): boolean {
  // What is changed by itself is one update.
  return listUpdates(command).length > 1;
}

/** An `update` command with just some of its updates. */
export function takeUpdates(command: Document, from: number, to?: number): Document {
  // Not a retry of the whole command, of which the server would know that it was carried out.
  const { txnNumber: _txnNumber, updates, ...rest } = command;
  return { ...rest, updates: (updates as readonly SentUpdate[]).slice(from, to) };
}

/**
 * Sends the updates of one ordered command by several, as if the server let something else in between
 * two of its updates, which it may. The reply is that of one command.
 *
 * @param cuts the positions of the updates that begin a further command
 * @param between happens before each command but the first
 */
export async function sendInParts(
  command: Document,
  send: Send,
  cuts: readonly number[],
  between: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Document> {
  const total = { n: 0, nModified: 0, upserted: [] as Document[] };
  const starts = [0, ...cuts];
  for (const [number, from] of starts.entries()) {
    if (number > 0) await between();
    const part = takeUpdates(command, from, starts[number + 1]);
    if (listUpdates(part).length === 0) continue;
    const reply = await send(part);
    if (Number(reply["ok"]) !== 1) return reply;
    total.n += Number(reply["n"]);
    total.nModified += Number(reply["nModified"] ?? 0);
    total.upserted.push(...moveIndexes(reply["upserted"], from));
    const writeErrors = moveIndexes(reply["writeErrors"], from);
    if (writeErrors.length > 0) return { ok: 1, ...withoutEmpty(total), writeErrors };
  }
  return { ok: 1, ...withoutEmpty(total) };
}

function moveIndexes(found: unknown, by: number): Document[] {
  const entries = (found ?? []) as readonly Document[];
  return entries.map(({ index, ...entry }) => Object.assign(entry, { index: Number(index) + by }));
}

/** A reply has no list of upserts where there is none. */
function withoutEmpty({
  upserted,
  ...counts
}: {
  readonly upserted: readonly Document[];
}): Document {
  return upserted.length === 0 ? counts : { ...counts, upserted };
}
