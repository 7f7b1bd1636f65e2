import { ClassNotAllowedError } from "../../errors/class-not-allowed-error.ts";
import { isKnownClassName } from "./langchain-classes.ts";

/**
 * Ids of LangChain classes that are made again beside messages, documents and prompt values, as
 * `lc_id` gives them, joined by `/`.
 */
export type AllowedObjects = ReadonlySet<string>;

/** Where the classes of the closed list are found by LangChain's loader. */
const KNOWN_MODULES: ReadonlySet<unknown> = new Set(["messages", "documents", "prompt_values"]);

/**
 * Checks that an object of a class may be made.
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
 * Checks what LangChain's serializer wrote before it is made objects of.
 *
 * @param value the JSON, parsed
 * @throws ClassNotAllowedError if it names a class that is not allowed
 */
export function assertRecordsAllowed(value: unknown, allowed: AllowedObjects | undefined): void {
  const left: unknown[] = [value];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    if (typeof next !== "object" || next === null) continue;
    const { lc, type, id } = next as { lc?: unknown; type?: unknown; id?: unknown };
    // Others with this mark are JavaScript's own classes, of which the serializer has a closed list.
    if (lc === 1 && type === "constructor") assertAllowed(id, allowed);
    for (const entry of Object.values(next)) if (entry != null) left.push(entry);
  }
}
