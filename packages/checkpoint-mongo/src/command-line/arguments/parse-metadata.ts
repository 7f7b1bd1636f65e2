import type { ThreadMetadata } from "../../thread-index/metadata.ts";
import { asUsageError } from "../command-line-error.ts";

/**
 * Reads `key=value`. The value is JSON if it is a number, `true`, `false`, `null`, a list or a quoted text, and
 * else a text as it stands.
 */
export function parseMetadata(option: string, pairs: readonly string[]): ThreadMetadata {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
      if (key === undefined || value === undefined) {
        throw asUsageError(`${option}: expected key=value, got ${JSON.stringify(pair)}.`);
      }
      return [key, parseValue(value)];
    }),
  );
}

function parseValue(text: string): ThreadMetadata[string] {
  if (!/^(?:-?\d|["[{]|(?:true|false|null)$)/.test(text)) return text;
  try {
    return JSON.parse(text) as ThreadMetadata[string];
  } catch {
    return text;
  }
}
