import { createHash } from "node:crypto";
import type { Digest } from "./call.ts";

/** The same for equal values of JSON, in whichever order their keys come. */
export function digest(value: unknown): Digest {
  const text = JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
  return createHash("sha256").update(text).digest("base64url").slice(0, 22);
}
