import { type Fields, readFields } from "./read-fields.ts";

/** A usage object as it was sent. */
export type RawUsage = Fields;

/** A usage object with anything in it; some servers send `{}` or `null` until they know. */
function readUsageFields(holder: Fields | undefined): Fields | undefined {
  const usage = readFields(holder?.["usage"]);
  return usage && Object.keys(usage).length > 0 ? usage : undefined;
}

/**
 * What a stream has reported so far. Some providers report the prompt first and the output last, some
 * repeat both with each chunk, some end with zeros: counts only grow, so the larger one counts.
 */
export function mergeUsage(earlier: RawUsage | undefined, later: RawUsage): RawUsage {
  if (earlier === undefined) return later;
  const merged: Record<string, unknown> = { ...earlier };
  for (const [name, value] of Object.entries(later)) {
    const before = merged[name];
    const isSmaller = typeof before === "number" && typeof value === "number" && value < before;
    if (value !== null && value !== undefined && !isSmaller) merged[name] = value;
  }
  return merged;
}

/**
 * The usage object of an answer or of one chunk of it, wherever the provider puts it; `undefined` if
 * there is none.
 *
 * | where             | who                                                 |
 * | ----------------- | --------------------------------------------------- |
 * | `usage`           | OpenAI and most others                              |
 * | `x_groq.usage`    | Groq, in the last chunk of a stream                 |
 * | `choices[].usage` | Moonshot, in the chunk that has the `finish_reason` |
 * | `response.usage`  | the Responses API, in its `response.completed`      |
 */
export function findUsage(answer: unknown): RawUsage | undefined {
  const fields = readFields(answer);
  if (!fields) return undefined;
  const { choices, response, x_groq: groq } = fields;
  const usage = readUsageFields(fields) ?? readUsageFields(readFields(groq));
  if (usage) return usage;
  if (Array.isArray(choices)) {
    for (const choice of choices) {
      const ofChoice = readUsageFields(readFields(choice));
      if (ofChoice) return ofChoice;
    }
  }
  return readUsageFields(readFields(response));
}
