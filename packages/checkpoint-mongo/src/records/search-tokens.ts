import { toConditions } from "./searchable-metadata.ts";
import { writeField, type MetadataValue } from "../documents/search-field.ts";
import { TOKEN_BEGINNING } from "../encryption/shared-secrets.ts";
import type { ThreadEncryption } from "../encryption/thread-encryption.ts";

/** What tells which metadata is in clear text, and makes tokens. */
type Tokens = Pick<ThreadEncryption, "searchable" | "secrets">;

/** What a server can search of metadata that is encrypted. */
export interface SealedSearch {
  /** The entries in clear text; undefined if there are none. */
  readonly clear: Readonly<Record<string, unknown>> | undefined;
  /**
   * Stand for all entries that are texts, numbers, booleans or null, in clear text or not: so they are found
   * whatever is in clear text by the settings of the reader.
   */
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
    if (isScalar(value)) tokens.push(secrets.toToken(writeField(key, value)));
  }
  return { clear: Object.keys(clear).length > 0 ? clear : undefined, tokens };
}

/**
 * Makes of a filter what encrypted checkpoints can be asked for: tokens, all of which they must have. What they
 * cannot be asked for is compared after reading.
 */
export function listTokens(
  filter: Readonly<Record<string, unknown>>,
  { secrets, isPlainAllowed }: Pick<ThreadEncryption, "secrets" | "isPlainAllowed">,
): readonly string[] {
  // Those in clear text have no tokens.
  if (isPlainAllowed) return [];
  return Object.entries(toConditions(filter)).flatMap(([path, value]) =>
    Object.hasOwn(filter, path) && isScalar(value)
      ? [secrets.toToken(writeField(path, value))]
      : [],
  );
}

/** Whether a field stands for one that is encrypted. */
export function isToken(field: string): boolean {
  return field.startsWith(TOKEN_BEGINNING);
}

function isScalar(value: unknown): value is MetadataValue {
  return (
    value === null ||
    typeof value === "string" ||
    typeof value === "boolean" ||
    (typeof value === "number" && Number.isFinite(value))
  );
}
