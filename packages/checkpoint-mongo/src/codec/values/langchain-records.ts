import { load } from "@langchain/core/load";
import { writePlainJson } from "./plain-json.ts";

/** The stored form of a serializable LangChain object: the id of its class, and its arguments. */
export interface RecordParts {
  readonly id: readonly string[];
  /** By the names that LangChain's loader expects. */
  readonly kwargs: Fields;
}

/** What `toJSON` of a LangChain `Serializable` returns. */
interface LangChainRecord {
  readonly lc: 1;
  readonly type: "constructor" | "not_implemented";
  readonly id: readonly string[];
  readonly kwargs?: Fields;
}

type Fields = Readonly<Record<string, unknown>>;

/** What the `toJSON` of a LangChain `Serializable` returns; undefined for other objects. */
export function readRecord(value: object, json: unknown): LangChainRecord | undefined {
  if (!("lc_serializable" in value) || typeof json !== "object" || json === null) return undefined;
  const { lc, type, id } = json as Partial<LangChainRecord>;
  const isRecord =
    lc === 1 && (type === "constructor" || type === "not_implemented") && Array.isArray(id);
  return isRecord ? (json as LangChainRecord) : undefined;
}

/**
 * Takes a serializable LangChain object apart. The arguments in its record are JSON copies, so only their
 * names are taken from there.
 *
 * @returns the reason, if it cannot be taken apart
 */
export function takeRecordApart(value: object, record: LangChainRecord): RecordParts | string {
  const name = record.id.at(-1);
  if (record.type === "not_implemented" || record.kwargs === undefined) {
    return `LangChain does not serialize a ${name}.`;
  }
  const instance = value as Fields & { readonly lc_kwargs: Fields };
  const given: Record<string, unknown> = {};
  for (const key of Object.keys(instance.lc_kwargs)) {
    given[key] = key in instance ? instance[key] : instance.lc_kwargs[key];
  }
  const secrets: Record<string, string> = {};
  let prototype = Object.getPrototypeOf(value) as object | null;
  while (prototype !== null) {
    const attributes = Reflect.get(prototype, "lc_attributes", value) as Fields | undefined;
    for (const [key, attribute] of Object.entries(attributes ?? {})) {
      // LangChain sets attributes to undefined that Python cannot read. Here they are needed.
      given[key] = attribute ?? given[key];
    }
    Object.assign(secrets, Reflect.get(prototype, "lc_secrets", value));
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  const secret = Object.keys(secrets).find((path) => {
    const [key = ""] = path.split(".");
    return (given[key] ?? instance[key]) !== undefined;
  });
  if (secret !== undefined) {
    return `the ${name} holds a secret (${secret}), which LangChain does not store.`;
  }
  const values = Object.values(given);
  const names = Object.keys(record.kwargs);
  // Both are in the same order.
  return values.length === names.length
    ? { id: record.id, kwargs: Object.fromEntries(names.map((key, index) => [key, values[index]])) }
    : `the ${name} serializes itself in a way of its own.`;
}

/**
 * Lets LangChain's loader build an object from its parts. The loader reads JSON only, but takes secrets as
 * they are, so each argument is passed as a secret.
 *
 * @throws Error if the loader does not know the class
 */
export async function loadRecord({ id, kwargs }: RecordParts): Promise<unknown> {
  const references: [string, object][] = [];
  const secretsMap: Record<string, unknown> = {};
  for (const [index, [key, value]] of Object.entries(kwargs).entries()) {
    // Not under its own name: the loader looks for missing secrets in the environment variables.
    const name = `threadkeep ${index}`;
    references.push([key, { lc: 1, type: "secret", id: [name] }]);
    secretsMap[name] = value;
  }
  const record = { lc: 1, type: "constructor", id, kwargs: Object.fromEntries(references) };
  return load(writePlainJson(record), { secretsMap });
}
