/**
 * Parses JSON without whitespace, as this package writes it.
 *
 * V8 13.6 (Node.js 24) may confuse keys with escapes: after an object with the key `\`, `{"\n":1}` is
 * parsed with the key `\` as well, because the source of the key is compared with keys of earlier objects
 * before its escapes are decoded. So a text with such a key is read by {@link Reader}.
 *
 * @throws SyntaxError if it is not JSON
 */
export function parseJson(text: string): unknown {
  const parsed: unknown = JSON.parse(text);
  return hasEscapedKey(text) ? new Reader(text).readValue() : parsed;
}

/** Whether an object's key has an escape. Most texts have no escapes, and then this takes no time. */
function hasEscapedKey(text: string): boolean {
  let escape = text.indexOf("\\");
  while (escape !== -1) {
    const end = findStringEnd(text, escape);
    if (text[end + 1] === ":") return true;
    escape = text.indexOf("\\", end);
  }
  return false;
}

/** Where the quote is that ends a string, from some place inside the string on. */
function findStringEnd(text: string, from: number): number {
  let end = text.indexOf('"', from);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text[first - 1] === "\\") first -= 1;
  // Of several backslashes in a row, every second one is escaped itself.
  return (at - first) % 2 === 1;
}

/** Reads a text that is known to be JSON. Only strings and literals are left to the engine. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readValue(): unknown {
    switch (this.#text[this.#at]) {
      case "{":
        return this.#readObject();
      case "[":
        return this.#readArray();
      case '"':
        return this.#readString();
      default:
        return this.#readLiteral();
    }
  }

  #readObject(): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    while (this.#hasMore("}")) {
      const key = this.#readString();
      this.#at += 1;
      // An assignment to "__proto__" would set the prototype instead of the key.
      Object.defineProperty(object, key, {
        value: this.readValue(),
        configurable: true,
        enumerable: true,
        writable: true,
      });
    }
    return object;
  }

  #readArray(): unknown[] {
    const items: unknown[] = [];
    while (this.#hasMore("]")) items.push(this.readValue());
    return items;
  }

  /** Steps over the bracket or comma before the next member, or over the bracket at the end. */
  #hasMore(end: string): boolean {
    const isOpening = this.#text[this.#at] !== "," && this.#text[this.#at] !== end;
    if (isOpening && this.#text[this.#at + 1] === end) this.#at += 1;
    const isOver = this.#text[this.#at] === end;
    this.#at += 1;
    return !isOver;
  }

  #readString(): string {
    const start = this.#at;
    this.#at = findStringEnd(this.#text, start + 1) + 1;
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }

  #readLiteral(): unknown {
    const start = this.#at;
    while (this.#at < this.#text.length && !",]}".includes(this.#text[this.#at]!)) this.#at += 1;
    return JSON.parse(this.#text.slice(start, this.#at));
  }
}
