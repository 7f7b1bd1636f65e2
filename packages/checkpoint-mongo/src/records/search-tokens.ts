import { writeField, type MetadataValue } from "../documents/search-field.ts";
import type { ThreadEncryption } from "../encryption/thread-encryption.ts";

/** What tells which metadata is in clear text, and makes tokens of the rest. */
type Tokens = Pick<ThreadEncryption, "searchable" | "secrets">;

/** What a server can search of metadata that is encrypted. */
export interface SealedSearch {
  /** The entries in clear text; undefined if there are none. */
  readonly clear: Readonly<Record<string, unknown>> | undefined;
  /** Stand for the others, as far as they are texts, numbers, booleans or null. */
  readonly tokens: readonly string[];
}

/**
 * Parts what a server could search of metadata into what stays in clear text and tokens.
 *
 * @param searchable see `toSearchable`
 */
export function splitSearchable(
  searchable: Readonly<Record<string, unknown>>,
  { searchable: clearKeys, secrets }: Tokens,
): SealedSearch {
  const clear: Record<string, unknown> = {};
  const tokens: string[] = [];
  for (const [key, value] of Object.entries(searchable)) {
    if (clearKeys.has(key)) clear[key] = value;
    else if (isScalar(value)) tokens.push(secrets.toToken(writeField(key, value)));
  }
  return { clear: Object.keys(clear).length > 0 ? clear : undefined, tokens };
}

/**
 * Makes of the conditions of a filter what encrypted checkpoints can be asked for. What they cannot be asked for
 * is compared after reading.
 *
 * @param conditions see `toConditions`: values by path
 */
export function sealConditions(
  conditions: Readonly<Record<string, unknown>>,
  { searchable, secrets, isPlainAllowed }: Tokens & Pick<ThreadEncryption, "isPlainAllowed">,
): SealedConditions {
  const clear: Record<string, unknown> = {};
  const tokens: string[] = [];
  for (const [path, value] of Object.entries(conditions)) {
    const [key = ""] = path.split(".");
    if (searchable.has(key)) clear[path] = value;
    // Those in clear text have no tokens.
    else if (path === key && isScalar(value) && !isPlainAllowed) {
      tokens.push(secrets.toToken(writeField(key, value)));
    }
  }
  return { clear, tokens };
}

/** Conditions on encrypted checkpoints. */
export interface SealedConditions {
  /** Values in clear text, by path. */
  readonly clear: Readonly<Record<string, unknown>>;
  /** All of which a checkpoint must have. */
  readonly tokens: readonly string[];
}

function isScalar(value: unknown): value is MetadataValue {
  return (
    value === null ||
    typeof value === "string" ||
    typeof value === "boolean" ||
    (typeof value === "number" && Number.isFinite(value))
  );
}
