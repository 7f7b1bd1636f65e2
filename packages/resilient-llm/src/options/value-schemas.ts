import { z } from "zod";
import { looksLikeKey } from "../failure/redact.ts";

/** A name that messages show. A key that was put in its place by mistake must not be among them. */
export const shownName: z.ZodString = z
  .string()
  .min(1)
  .refine((name) => !looksLikeKey(name), "a name that does not look like an API key");

/** The address of an endpoint. */
export const url: z.ZodURL = z.url().refine((text) => {
  const { username, password } = URL.canParse(text) ? new URL(text) : {};
  return !username && !password;
}, "a URL without user and password (a key is passed as apiKey)");

/** A key, or another text that is never shown. */
export const secret: z.ZodString = z.string().min(1);

/** Milliseconds above 0. `Infinity` means without limit. */
export const limitMs: z.ZodCustom<number> = z.custom<number>(
  (value) => typeof value === "number" && value > 0,
  "milliseconds above 0, or Infinity for no limit",
);

/** Milliseconds from 0. */
export const delayMs: z.ZodNumber = z.number().nonnegative();

/** A whole number from 0. */
export const count: z.ZodNumber = z.number().int().nonnegative();

/** A whole number from 1. */
export const positiveCount: z.ZodNumber = z.number().int().positive();

/** A function, whatever it takes and returns. */
export function functionOf<Function>(): z.ZodCustom<Function> {
  return z.custom<Function>((value) => typeof value === "function", "a function");
}

/** An object with these methods, of whichever class. */
export function objectWith<Type extends object>(
  ...methods: readonly (keyof Type & string)[]
): z.ZodCustom<Type> {
  return z.custom<Type>(
    (value) =>
      typeof value === "object" &&
      value !== null &&
      methods.every((name) => typeof (value as Record<string, unknown>)[name] === "function"),
    `an object with the method${methods.length === 1 ? "" : "s"} ${methods.join(" and ")}`,
  );
}

/** An option that another one stands for. It is known only so that its message says where to go. */
export function refused(expected: string): z.ZodOptional<z.ZodUndefined> {
  return z.undefined({ error: expected }).optional();
}
