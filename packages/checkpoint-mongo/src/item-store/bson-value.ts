import { types } from "node:util";
import { hasToJson, isPlainObject } from "../codec/values/plain-data.ts";

/** A value in the form that BSON can hold. */
export interface BsonValue {
  readonly value: unknown;
  /** Whether the value comes back from BSON as it was given. */
  readonly isExact: boolean;
  /** The path of an object of the driver (an ObjectId, a Decimal128), if there is one. */
  readonly driverObjectAt: string | undefined;
}

/** MongoDB allows 100 levels of a document; a value begins at the second. */
const MAX_DEPTH = 90;

/** The server takes these keys for a reference to another document and checks their form. */
const REFERENCE_KEYS: ReadonlySet<string> = new Set(["$ref", "$id", "$db"]);

/**
 * Copies a value into a form that BSON can hold. What BSON lacks becomes the closest it has, for filters and
 * for the official store: a Map becomes its entries, a Set its items, an Error its name and message.
 */
export function toBsonValue(value: unknown): BsonValue {
  const copier = new Copier();
  const copy = copier.copy(value);
  return {
    value: copy === OMITTED ? null : copy,
    isExact: copier.isExact,
    driverObjectAt: copier.driverObjectAt,
  };
}

/** Stands for values that cannot be in a document at all. */
const OMITTED = Symbol("omitted");

class Copier {
  isExact = true;
  driverObjectAt: string | undefined;
  readonly #ancestors = new Set<object>();
  readonly #path: (string | number)[] = [];

  copy(value: unknown): unknown {
    switch (typeof value) {
      case "string":
        return value.isWellFormed() ? value : this.#inexact(value.toWellFormed());
      case "number":
      case "boolean":
        return value;
      case "bigint": {
        const number = Number(value);
        return this.#inexact(Number.isSafeInteger(number) ? number : String(value));
      }
      case "object":
        return value === null ? null : this.#copyNested(value);
      default:
        return this.#inexact(OMITTED);
    }
  }

  #inexact(copy: unknown): unknown {
    this.isExact = false;
    return copy;
  }

  #copyNested(value: object): unknown {
    if (this.#ancestors.has(value) || this.#ancestors.size === MAX_DEPTH) {
      return this.#inexact(null);
    }
    this.#ancestors.add(value);
    const copy = this.#copyObject(value);
    this.#ancestors.delete(value);
    return copy;
  }

  #copyObject(value: object): unknown {
    if (Array.isArray(value)) return this.#copyItems(value);
    if (isPlainObject(value)) {
      if (hasToJson(value)) this.isExact = false;
      return this.#copyEntries(value, Object.keys(value));
    }
    if (types.isDate(value)) {
      const time = value.getTime();
      return Number.isNaN(time) ? this.#inexact(null) : new Date(time);
    }
    if (typeof (value as { _bsontype?: unknown })._bsontype === "string") {
      this.driverObjectAt ??= this.#path.map((key) => `.${key}`).join("");
      return value;
    }
    this.isExact = false;
    return this.#copyInstance(value);
  }

  #copyInstance(value: object): unknown {
    if (types.isMap(value)) return this.#copyMap(value);
    if (types.isSet(value)) return this.#copyItems([...value]);
    if (types.isUint8Array(value)) return new Uint8Array(value);
    if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return null;
    if (value instanceof Error) return { name: value.name, message: value.message };
    if (types.isRegExp(value)) return String(value);
    if (value instanceof URL) return value.href;
    if (types.isBoxedPrimitive(value)) return this.copy(value.valueOf());
    // Without LangChain's own marks.
    return this.#copyEntries(
      value,
      Object.keys(value).filter((key) => !key.startsWith("lc_")),
    );
  }

  #copyMap(map: Map<unknown, unknown>): unknown {
    const keys = [...map.keys()];
    if (!keys.every((key) => typeof key === "string")) return this.#copyItems([...map]);
    return this.#copyEntries(Object.fromEntries(map) as Record<string, unknown>, keys);
  }

  #copyItems(items: readonly unknown[]): unknown[] {
    const copies: unknown[] = [];
    for (let index = 0; index < items.length; index += 1) {
      const copy = this.#copyAt(index, items[index]);
      copies.push(copy === OMITTED ? null : copy);
    }
    return copies;
  }

  #copyEntries(value: object, keys: readonly string[]): Record<string, unknown> {
    if (Object.getOwnPropertySymbols(value).length > 0) this.isExact = false;
    const copies: Record<string, unknown> = {};
    for (const key of keys) {
      if (!canBeField(key)) {
        this.isExact = false;
        continue;
      }
      const copy = this.#copyAt(key, (value as Record<string, unknown>)[key]);
      if (copy !== OMITTED) copies[key] = copy;
    }
    return copies;
  }

  #copyAt(key: string | number, value: unknown): unknown {
    this.#path.push(key);
    const copy = this.copy(value);
    this.#path.pop();
    return copy;
  }
}

/** Drivers take an object with `_bsontype` for one of their classes; `__proto__` cannot be assigned. */
function canBeField(key: string): boolean {
  return (
    key !== "__proto__" &&
    key !== "_bsontype" &&
    !REFERENCE_KEYS.has(key) &&
    !key.includes("\0") &&
    key.isWellFormed()
  );
}
