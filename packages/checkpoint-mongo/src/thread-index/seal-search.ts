import type { ThreadEncryption } from "../encryption/thread-encryption.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import type { FieldCondition, ResolvedFilter } from "./search-options.ts";

/**
 * Makes of a filter what encrypted threads can be asked for.
 *
 * @throws InvalidOptionsError if it asks for a range of values that are encrypted
 */
export function sealSearch<Filter extends ResolvedFilter>(
  encryption: ThreadEncryption | undefined,
  filter: Filter,
): Filter {
  if (encryption === undefined) return filter;
  const { fields, fieldNames, config } = filter;
  return {
    ...filter,
    fields: fields.map((field, index) => sealField(encryption, fieldNames[index]!, field)),
    config: config.map((field) => encryption.secrets.toToken(field)),
  };
}

function sealField(
  { searchable, secrets, isPlainAllowed }: ThreadEncryption,
  name: string,
  field: FieldCondition,
): FieldCondition {
  if (typeof field !== "string") {
    if (searchable.has(name)) return field;
    throw new InvalidOptionsError(
      `Invalid option metadata.${name.toWellFormed()} of a search of threads: expected a single value, since this ` +
        "key is encrypted, got a range. Name it in encryption.searchable to leave it in clear text.",
    );
  }
  const token = secrets.toToken(field);
  return isPlainAllowed ? { $in: [token, field] } : token;
}
