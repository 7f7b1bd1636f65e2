import type { Collection, Document } from "mongodb";
import { randomText } from "./random-text.ts";

const ITEMS_OF_A_USER = 100;
const LOAD_AT_ONCE = 2_000;
const TEXT = randomText("a memory", 400);

/** Whose an item is. */
export function namespaceOf(index: number): string[] {
  return ["users", `user-${Math.floor(index / ITEMS_OF_A_USER)}`, "memories"];
}

/** One item of so many. */
export function itemOf(index: number): {
  namespace: string[];
  key: string;
  value: Record<string, unknown>;
} {
  return {
    namespace: namespaceOf(index),
    key: `memory-${index}`,
    value: {
      kind: index % 2 === 0 ? "fact" : "event",
      importance: index % 10,
      text: TEXT,
    },
  };
}

/** Items as both stores keep them, put there without either of them. */
export async function loadItems(
  collection: Collection,
  count: number,
  progress: (done: number, total: number, doing?: string) => void,
): Promise<void> {
  for (let begin = 0; begin < count; begin += LOAD_AT_ONCE) {
    const length = Math.min(LOAD_AT_ONCE, count - begin);
    await collection.insertMany(
      Array.from({ length }, (_, index) => toDocument(begin + index)),
      { ordered: false },
    );
    progress(begin + length, count);
  }
}

function toDocument(index: number): Document {
  const { namespace, key, value } = itemOf(index);
  const now = new Date();
  return {
    namespace,
    namespaceStr: namespace.join("/"),
    key,
    value,
    createdAt: now,
    updatedAt: now,
  };
}
