// Not by name: see check-node.ts.
import crypto from "node:crypto";
import { InvalidArchiveError } from "../errors/invalid-archive-error.ts";

// An archive is lines of JSON. Each is an object with what it holds and a hash:
//
//   {"checkpoint":{…},"hash":"0123456789abcdef0123456789abcdef"}
//
// The hash is that of the line before followed by the text up to `,"hash":`. So the first line that is not as it
// was written is known by its number, and the last hash stands for the whole archive.

/** The beginning of the hash's field, which ends a line. */
const HASH_FIELD = ',"hash":"';
const HASH_LENGTH = 32;
const END = '"}';

/** A document takes at most 16 MB, and a third more as text. */
const MAX_LINE_BYTES = 32 * 1_024 * 1_024;

/** The chain of hashes of an archive. */
export class LineChain {
  #last = "";

  /** The hash of all lines so far. */
  get hash(): string {
    return this.#last;
  }

  /** Writes the next line. */
  write(kind: string, json: string): string {
    const text = `{${JSON.stringify(kind)}:${json}`;
    return `${text}${HASH_FIELD}${this.#next(text)}${END}\n`;
  }

  /**
   * Verifies the next line.
   *
   * @returns its fields without the hash, as parsed JSON; undefined if it is not as it was written
   */
  read(line: string): Readonly<Record<string, unknown>> | undefined {
    const at = line.length - HASH_FIELD.length - HASH_LENGTH - END.length;
    if (at < 1 || !line.startsWith(HASH_FIELD, at) || !line.endsWith(END)) return undefined;
    const text = line.slice(0, at);
    const found = line.slice(at + HASH_FIELD.length, -END.length);
    if (this.#next(text) !== found) return undefined;
    try {
      return JSON.parse(`${text}}`) as Readonly<Record<string, unknown>>;
    } catch {
      return undefined;
    }
  }

  #next(text: string): string {
    const hash = crypto.hash("sha256", `${this.#last}${text}`).slice(0, HASH_LENGTH);
    this.#last = hash;
    return hash;
  }
}

/** Cuts text into lines. The last one may lack its end: then it was cut short, which its hash shows. */
export async function* cutLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  let lines = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(0x0a, start);
      const part = chunk.subarray(start, end === -1 ? undefined : end);
      bytes += part.byteLength;
      if (bytes > MAX_LINE_BYTES) {
        throw new InvalidArchiveError(`it is longer than ${MAX_LINE_BYTES} bytes`, lines + 1);
      }
      // The chunk may be used again by whoever gave it.
      if (end === -1) {
        parts.push(Buffer.from(part));
        break;
      }
      parts.push(part);
      lines += 1;
      yield decode(parts, bytes);
      parts = [];
      bytes = 0;
      start = end + 1;
    }
  }
  if (bytes > 0) yield decode(parts, bytes);
}

function decode(parts: readonly Uint8Array[], bytes: number): string {
  return Buffer.concat(parts, bytes).toString();
}
