import { breather, ITEM_WORK } from "../../event-loop/breather.ts";
import type { AllowedObjects } from "../values/allowed-objects.ts";
import { decodeParsed, decodeValue } from "../values/decode-value.ts";
import type { LineShadows } from "./line-shadows.ts";

/**
 * Decodes many lines, one by one: that takes less time and memory than joining them to one JSON array.
 *
 * @param shadows a line with a shadow is copied from it, which is faster and shares its strings
 * @throws Error like `decodeValue`
 */
export async function decodeLines(
  lines: Iterable<string>,
  shadows?: LineShadows,
  allowed?: AllowedObjects,
): Promise<unknown[]> {
  const values: unknown[] = [];
  for (const line of lines) {
    const value = decodeLine(line, shadows, allowed);
    values.push(value instanceof Promise ? await value : value);
    if (breather.isDue(ITEM_WORK + line.length)) await breather.rest();
  }
  return values;
}

/** Decodes a line like `decodeValue`, from its shadow if it has one. */
export function decodeLine(
  line: string,
  shadows: LineShadows | undefined,
  allowed: AllowedObjects | undefined,
): unknown {
  const shadow = shadows?.find(line);
  return shadow === undefined || shadow.needsLoader
    ? decodeValue(line, allowed)
    : decodeParsed(shadow);
}
