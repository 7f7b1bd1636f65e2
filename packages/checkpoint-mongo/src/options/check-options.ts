import { inspect } from "node:util";
import { z } from "zod";
import { InvalidOptionsError } from "../errors/index.ts";

/** Shorter keys can be guessed. */
const MIN_KEY_BYTES = 16;

/** Options whose values no message shows: keys, and clients with their credentials. */
const SECRETS: ReadonlySet<PropertyKey | undefined> = new Set(["client", "integrity"]);

/** The name of a database, where one is given. */
export const databaseName: z.ZodOptional<z.ZodString> = z
  .string()
  .regex(/^[^/\\. "$*<>:|?\0]+$/, "no valid name for a database")
  .optional();

/** The name of a collection, or what names of collections begin with. */
export const collectionName: z.ZodString = z
  .string()
  .min(1)
  .regex(/^(?!system\.)[^$\0]+$/, "no valid name for a collection");

/** The key of keyed hashes. */
export const integrity: z.ZodType<{ key: string | Uint8Array } | undefined> = z
  .strictObject({
    key: z
      .union([z.string(), z.instanceof(Uint8Array)])
      .refine((key) => Buffer.byteLength(key) >= MIN_KEY_BYTES, {
        error: `expected at least ${MIN_KEY_BYTES} bytes`,
      }),
  })
  .optional();

/**
 * Checks the options of a class by their schema.
 *
 * @param owner the class, for the message
 * @throws InvalidOptionsError naming the option, what is expected and what was given
 */
export function checkOptions<Schema extends z.ZodType>(
  owner: string,
  schema: Schema,
  options: unknown,
): z.output<Schema> {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalidOption(owner, issue!.path, issue!.message, options);
}

/** What is wrong with an option, as an error to throw. */
export function invalidOption(
  owner: string,
  path: readonly PropertyKey[],
  message: string,
  options: unknown,
): InvalidOptionsError {
  if (path.length === 0) return new InvalidOptionsError(`Invalid options of ${owner}: ${message}.`);
  const name = path.map(String).join(".");
  const given = SECRETS.has(path[0]) ? "" : `; got ${describeValue(options, path)}`;
  return new InvalidOptionsError(`Invalid option ${name} of ${owner}: ${message}${given}.`);
}

function describeValue(options: unknown, path: readonly PropertyKey[]): string {
  let value = options;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
  return inspect(value, { depth: 0 });
}
