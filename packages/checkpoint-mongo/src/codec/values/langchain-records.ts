import { load } from "@langchain/core/load";
import { writePlainJson } from "./plain-json.ts";

/** What a serializable LangChain object is stored as: the id of its class, and its arguments. */
export interface RecordParts {
  readonly id: readonly string[];
  /** By the names under which LangChain's loader takes them. */
  readonly kwargs: Fields;
}

/** What `toJSON` of a LangChain `Serializable` gives. */
interface LangChainRecord {
  readonly lc: 1;
  readonly type: "constructor" | "not_implemented";
  readonly id: readonly string[];
  readonly kwargs?: Fields;
}

type Fields = Readonly<Record<string, unknown>>;

/** What a LangChain `Serializable` gives for itself by its `toJSON`; undefined if it is none. */
export function readRecord(value: object, json: unknown): LangChainRecord | undefined {
  if (!("lc_serializable" in value) || typeof json !== "object" || json === null) return undefined;
  const { lc, type, id } = json as Partial<LangChainRecord>;
  const isRecord =
    lc === 1 && (type === "constructor" || type === "not_implemented") && Array.isArray(id);
  return isRecord ? (json as LangChainRecord) : undefined;
}

/**
 * Takes a serializable LangChain object apart. Its record's own arguments are copies, made as if all
 * were JSON, so only their names are taken from it.
 *
 * @returns why it can't be taken apart, if it can't
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
      // LangChain leaves out by undefined what Python can't read, or what is no data. Here it counts.
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
 * Has LangChain's loader build the object of which these are the parts. The loader knows JSON only,
 * so each argument is handed to it as a secret: those it takes as they are.
 *
 * @throws Error if the loader does not know the class
 */
export async function loadRecord({ id, kwargs }: RecordParts): Promise<unknown> {
  const references: [string, object][] = [];
  const secretsMap: Record<string, unknown> = {};
  for (const [index, [key, value]] of Object.entries(kwargs).entries()) {
    // Not by its own name: what is not there would be looked for among the process's variables.
    const name = `threadkeep ${index}`;
    references.push([key, { lc: 1, type: "secret", id: [name] }]);
    secretsMap[name] = value;
  }
  const record = { lc: 1, type: "constructor", id, kwargs: Object.fromEntries(references) };
  return load(writePlainJson(record), { secretsMap });
}
