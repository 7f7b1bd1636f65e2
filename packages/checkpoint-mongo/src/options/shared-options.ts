import { z } from "zod";
import type { EncryptionOptions, KeyProvider } from "../keys/encryption-options.ts";
import type { IntegrityOptions } from "../keys/integrity-options.ts";
import type { CheckOptionsSettings } from "./check-options.ts";

/** Shorter keys can be guessed. */
const MIN_KEY_BYTES = 16;

/** What lies in `integrity` and in `encryption` are keys. */
export const SECRETS: CheckOptionsSettings = { secretGroups: ["integrity", "encryption"] };

/** A whole number. Unlike `z.int()`, it lets rules about several options be checked when it is not. */
export const wholeNumber: z.ZodNumber = z
  .number()
  .refine((value) => Number.isSafeInteger(value), "a whole number");

/** The name of a database, if one is given. */
export const databaseName: z.ZodOptional<z.ZodString> = z
  .string()
  .regex(/^[^/\\. "$*<>:|?\0]+$/, "a valid name of a database")
  .optional();

/** The name of a collection, or the beginning of such names. */
export const collectionName: z.ZodString = z
  .string()
  .regex(/^(?!system\.)[^$\0]+$/, "a valid name of a collection");

/** A function that gets events of this type. */
export function listener<Report extends (event: never) => void>(): z.ZodOptional<
  z.ZodCustom<Report, Report>
> {
  return z
    .custom<Report>((value) => typeof value === "function", {
      error: "a function that takes an event",
      // Rules about several options are checked nevertheless.
      abort: false,
    })
    .optional();
}

/** Ids of LangChain classes. */
export const allowedObjects: z.ZodType<ReadonlySet<string>> = z
  .array(
    z
      .string()
      .regex(
        /^[\w.-]+(?:\/[\w.-]+)+$/,
        "an id such as langchain_core/prompts/prompt/PromptTemplate",
      ),
  )
  .default([])
  .transform((ids) => new Set(ids));

const integrityKey = z
  .union([z.string(), z.instanceof(Uint8Array)], { error: "a string or bytes" })
  .refine((key) => Buffer.byteLength(key) >= MIN_KEY_BYTES, {
    error: `at least ${MIN_KEY_BYTES} bytes`,
  });

/** The keys of keyed hashes. */
export const integrity: z.ZodType<IntegrityOptions | undefined> = z
  .strictObject({
    key: integrityKey.optional(),
    keys: z
      .record(
        z.string().regex(/^[\w-]{1,32}$/, "ids of up to 32 letters, digits, _ and -"),
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
      refuse("either key, or keys with currentKeyId");
    } else if (keys === undefined && currentKeyId !== undefined) {
      refuse("nothing, since there are no keys", ["currentKeyId"]);
    } else if (keys !== undefined && !Object.hasOwn(keys, currentKeyId ?? "")) {
      refuse("the id of one of the keys", ["currentKeyId"]);
    }
  })
  .optional();

/** What is encrypted with these keys is worth more than what is hashed with the others. */
const MIN_ENCRYPTION_KEY_BYTES = 32;

const encryptionKey = z
  .union([z.string(), z.instanceof(Uint8Array)], { error: "a string or bytes" })
  .refine((key) => Buffer.byteLength(key) >= MIN_ENCRYPTION_KEY_BYTES, {
    error: `at least ${MIN_ENCRYPTION_KEY_BYTES} bytes`,
  });

const keyProvider = z.custom<KeyProvider>((value) => {
  const { currentKeyId, wrap, unwrap } = (value ?? {}) as Partial<KeyProvider>;
  const isId = typeof currentKeyId === "string" && /^.{1,200}$/u.test(currentKeyId);
  return isId && typeof wrap === "function" && typeof unwrap === "function";
}, "an object with currentKeyId, wrap and unwrap");

/** What is encrypted, and with which keys. */
export const encryption: z.ZodType<EncryptionOptions | undefined> = z
  .strictObject({
    keys: z
      .record(
        z.string().regex(/^[\w-]{1,32}$/, "ids of up to 32 letters, digits, _ and -"),
        encryptionKey,
      )
      .optional(),
    currentKeyId: z.string().optional(),
    keyProvider: keyProvider.optional(),
    searchable: z.array(z.string().min(1)).optional(),
    allowPlaintext: z.boolean().optional(),
    keysDbName: databaseName,
    keysCollectionName: collectionName.optional(),
  })
  .superRefine(({ keys, currentKeyId, keyProvider: provider }, context) => {
    const refuse = (message: string, path: string[] = []): void => {
      context.addIssue({ code: "custom", message, path });
    };
    if ((keys === undefined) === (provider === undefined)) {
      refuse("either keys with currentKeyId, or keyProvider");
    } else if (keys === undefined && currentKeyId !== undefined) {
      refuse("nothing, since keyProvider says which is the current key", ["currentKeyId"]);
    } else if (keys !== undefined && !Object.hasOwn(keys, currentKeyId ?? "")) {
      refuse("the id of one of the keys", ["currentKeyId"]);
    }
  })
  .optional();
