import { WRITES_IDX_MAP, type PendingWrite } from "@langchain/langgraph-checkpoint";
import type { HashedWrite } from "../integrity/hashes.ts";
import type { Serializer } from "../records/serializer.ts";
import { quiet, type Awaitable, type TypedBytes } from "../records/value-writer.ts";
import { checkChannelName } from "./check-channel-name.ts";

/**
 * Encodes what one task wrote, each value as it is now: before anything is awaited.
 *
 * @returns gives them ordered by index
 * @throws UnserializableStateError if a value could not come back as it is
 */
export function takeWrites(
  serializer: Serializer,
  writes: readonly PendingWrite[],
): () => Promise<readonly HashedWrite[]> {
  const writer = serializer.createWriter();
  // Of several writes to one special channel the last one counts.
  const taken = new Map<number, { channel: string; value: Awaitable<TypedBytes> }>();
  for (const [position, [channel, value]] of writes.entries()) {
    checkChannelName(channel, `writes[${position}][0]`);
    const index = isSpecial(channel) ? WRITES_IDX_MAP[channel]! : position;
    taken.set(index, { channel, value: quiet(writer.writeValue(value, channel)) });
  }
  // A resume value is stored before the interrupt that comes after it: if the server stops in
  // between, the task asks again instead of taking the value for the next question.
  const sorted = [...taken].toSorted(([a], [b]) => a - b);
  return async () => {
    const encoded: HashedWrite[] = [];
    for (const [index, { channel, value }] of sorted) {
      const { type, bytes } = await value;
      await serializer.assertLoadable({ type, bytes }, channel);
      encoded.push({ index, channel, type, value: bytes });
    }
    return encoded;
  };
}

/** Whether a task wrote an error, an interrupt or an answer. */
export function hasSpecialWrites(writes: readonly PendingWrite[]): boolean {
  return writes.some(([channel]) => isSpecial(channel));
}

function isSpecial(channel: string): boolean {
  return Object.hasOwn(WRITES_IDX_MAP, channel);
}
