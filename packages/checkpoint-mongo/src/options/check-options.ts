import { z } from "zod";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import type { IntegrityOptions } from "../keys/integrity-options.ts";
import { describeValue } from "./describe-value.ts";

/** Shorter keys can be guessed. */
const MIN_KEY_BYTES = 16;

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

/** Ids of LangChain classes. */
export const allowedObjects: z.ZodType<ReadonlySet<string>> = z
  .array(
    z
      .string()
      .regex(
        /^[\w.-]+(?:\/[\w.-]+)+$/,
        "expected an id such as langchain_core/prompts/prompt/PromptTemplate",
      ),
  )
  .default([])
  .transform((ids) => new Set(ids));

const integrityKey = z
  .union([z.string(), z.instanceof(Uint8Array)], { error: "expected a text or bytes" })
  .refine((key) => Buffer.byteLength(key) >= MIN_KEY_BYTES, {
    error: `expected at least ${MIN_KEY_BYTES} bytes`,
  });

/** The keys of keyed hashes. */
export const integrity: z.ZodType<IntegrityOptions | undefined> = z
  .strictObject({
    key: integrityKey.optional(),
    keys: z
      .record(
        z.string().regex(/^[\w-]{1,32}$/, "expected ids of up to 32 letters, digits, _ and -"),
        integrityKey,
      )
      .optional(),
    currentKeyId: z.string().optional(),
    acceptUnkeyed: z.boolean().optional(),
  })
  .superRefine(({ key, keys, currentKeyId }, context) => {
    const refuse = (message: string, path: string[] = []): void => {
      context.addIssue({ code: "custom", message, path });
    };
    if ((key === undefined) === (keys === undefined)) {
      refuse("expected either key, or keys with currentKeyId");
    } else if (keys === undefined && currentKeyId !== undefined) {
      refuse("expected it beside keys only", ["currentKeyId"]);
    } else if (keys !== undefined && !Object.hasOwn(keys, currentKeyId ?? "")) {
      refuse("expected the id of one of the keys", ["currentKeyId"]);
    }
  })
  .optional();

/**
 * Checks the options of a class by their schema. No message holds what was given as an option: it may
 * be a secret, in whichever place.
 *
 * @param owner the class, for the message
 * @throws InvalidOptionsError naming the option, what is expected and what kind of value was given
 */
export function checkOptions<Schema extends z.ZodType>(
  owner: string,
  schema: Schema,
  options: unknown,
): z.output<Schema> {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw issue!.code === "unrecognized_keys"
    ? unknownOptions(owner, issue.path, issue.keys)
    : invalidOption(owner, issue!.path, issue!.message, options);
}

/** What is wrong with an option, as an error to throw. */
export function invalidOption(
  owner: string,
  path: readonly PropertyKey[],
  message: string,
  options: unknown,
): InvalidOptionsError {
  if (path.length === 0) return new InvalidOptionsError(`Invalid options of ${owner}: ${message}.`);
  const given = describeValue(readPath(options, path));
  return new InvalidOptionsError(
    `Invalid option ${formatPath(path)} of ${owner}: ${message}; got ${given}.`,
  );
}

function unknownOptions(
  owner: string,
  path: readonly PropertyKey[],
  keys: readonly string[],
): InvalidOptionsError {
  // A misspelt name is told, but not what may be a key where its id or its name should be.
  const names = keys.filter((key) => path[0] !== "integrity" && /^[A-Za-z]{1,40}$/.test(key));
  const which = names.length === 0 ? "an option" : names.join(", ");
  const where = path.length === 0 ? owner : `${formatPath(path)} of ${owner}`;
  return new InvalidOptionsError(`Invalid options of ${where}: ${which}, which it does not have.`);
}

/** An option's name, but not whose key is wrong: ids and keys may have changed places. */
function formatPath(path: readonly PropertyKey[]): string {
  const shown = path[0] === "integrity" ? path.slice(0, 2) : path;
  return shown.map(String).join(".");
}

function readPath(options: unknown, path: readonly PropertyKey[]): unknown {
  let value = options;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | undefined)?.[key];
  return value;
}
