import type { Document } from "mongodb";

/** A date so many milliseconds ahead of the server's clock. */
export function inMs(amount: number): Document {
  return { $dateAdd: { startDate: "$$NOW", unit: "millisecond", amount } };
}

/** Without $literal, a text that begins with $ would be an expression. */
export function literal(value: unknown): Document {
  return { $literal: value };
}
