import { ClassNotAllowedError } from "../../errors/class-not-allowed-error.ts";
import { isKnownClassName } from "./langchain-classes.ts";

/**
 * Ids of LangChain classes that may be instantiated beside messages, documents and prompt values: their
 * `lc_id`, joined by `/`.
 */
export type AllowedObjects = ReadonlySet<string>;

/** The modules in which LangChain's loader finds the classes of the closed list. */
const KNOWN_MODULES: ReadonlySet<unknown> = new Set(["messages", "documents", "prompt_values"]);

/**
 * Checks that a class may be instantiated.
 *
 * @param id as stored: it may be anything
 * @throws ClassNotAllowedError if it is not one of the allowed ones
 */
export function assertAllowed(id: unknown, allowed: AllowedObjects | undefined): void {
  const parts: readonly unknown[] = Array.isArray(id) ? id : [id];
  const isText = parts.every((part) => typeof part === "string");
  if (isText && allowed?.has(parts.join("/")) === true) return;
  const [origin, module] = parts;
  const isKnown =
    origin === "langchain_core" && KNOWN_MODULES.has(module) && isKnownClassName(parts.at(-1));
  if (isText && isKnown) return;
  throw new ClassNotAllowedError(isText ? parts.join("/").slice(0, MAX_SHOWN) : "without a name");
}

const MAX_SHOWN = 200;

/**
 * Checks the records of LangChain's serializer before objects are made of them.
 *
 * @param value the JSON, parsed
 * @throws ClassNotAllowedError if it names a class that is not allowed
 */
export function assertRecordsAllowed(value: unknown, allowed: AllowedObjects | undefined): void {
  const left: unknown[] = [value];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (typeof next !== "object" || next === null) continue;
    const { lc, type, id } = next as { lc?: unknown; type?: unknown; id?: unknown };
    // Other records with this mark are JavaScript's own classes, a closed list in the serializer.
    if (lc === 1 && type === "constructor") assertAllowed(id, allowed);
    for (const entry of Object.values(next)) if (entry != null) left.push(entry);
  }
}
