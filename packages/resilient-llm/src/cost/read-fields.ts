/** An object of a body as a provider sent it. */
export type Fields = Readonly<Record<string, unknown>>;

/** A value of a provider's body, if it is an object or a list. */
export function readFields(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null ? (value as Fields) : undefined;
}
