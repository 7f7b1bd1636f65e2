/** A value of a thread's metadata: what JSON has. */
export type MetadataValue =
  | string
  | number
  | boolean
  | null
  | readonly MetadataValue[]
  | { readonly [key: string]: MetadataValue };

/**
 * A key with its value as one text, since every server finds texts by an index. Texts of one key and type are in
 * the order of the values, so that a range of values is a range of texts.
 */
export function writeField(key: string, value: MetadataValue): string {
  if (typeof value === "number") return nameField(key, "number") + writeBound(value);
  if (typeof value === "string") return nameField(key, "string") + writeBound(value);
  // Objects are the same in any order of their keys.
  return nameField(key, "json") + JSON.stringify(sortKeys(value));
}

/** What all texts of a key and a type begin with; a quoted key never begins another one. */
export function nameField(key: string, type: "number" | "string" | "json"): string {
  return `${JSON.stringify(key)}${type}:`;
}

/** A value as text, in the order of the values of its type. */
export function writeBound(value: number | string): string {
  if (typeof value === "string") return value;
  const bytes = Buffer.alloc(8);
  // Of the two zeros, only one is stored.
  bytes.writeDoubleBE(value === 0 ? 0 : value);
  // As numbers, the bits of positive ones come after those of negative ones, whose order is the other way.
  const isNegative = bytes[0]! >= 0x80;
  for (let index = 0; index < 8; index += 1) {
    if (isNegative) bytes[index]! ^= 0xff;
    else if (index === 0) bytes[index]! ^= 0x80;
  }
  return bytes.toString("hex");
}

function sortKeys(value: MetadataValue): MetadataValue {
  if (Array.isArray(value)) return (value as readonly MetadataValue[]).map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, entry]) => [key, sortKeys(entry)]),
  );
}
