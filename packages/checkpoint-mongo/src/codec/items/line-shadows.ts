import { shareEmpty } from "../values/empty-trees.ts";
import type { ParsedLine } from "../values/decode-value.ts";
import { measureLines } from "./lines.ts";
import { layOutMessage, type MessageForm } from "../values/message-form.ts";
import { needsLoader } from "../values/needs-loader.ts";
import { parseJson } from "../texts/parse-json.ts";
import { TAG_OPENING } from "../values/tags.ts";
import { measureText } from "../texts/text-memory.ts";

/** A stored line, parsed. */
export interface Shadow extends ParsedLine {
  readonly line: string;
  /** Whether only LangChain's own loader can rebuild what the line holds. */
  readonly needsLoader: boolean;
}

/** Shorter lines are encoded about as fast as they are compared. */
const MIN_LENGTH = 64;

/** JavaScript engines compute the hash of longer strings from their length alone. */
const MAX_KEY_LENGTH = 16_383;

/** A longer line is found by so many characters at its beginning, middle and end. */
const SAMPLE_LENGTH = 256;

/** Memory of a line that was noted and has no tree yet. */
const NOTED_BYTES = 100;

/** Memory of a tree beside its strings: measured with messages; small records take half of it. */
const TREE_BYTES = 300;

/**
 * A line that the encoder gave, and its shadow. One object for both: a walk over many scattered objects
 * mostly waits for memory.
 */
interface Entry {
  readonly line: string;
  /** Undefined until it is needed. */
  tree: unknown;
  form: MessageForm | undefined;
  isTagged: boolean;
  needsLoader: boolean;
  bytes: number;
}

/**
 * Shadows of stored lines, as many as fit. Values are compared with shadows instead of being encoded
 * again, and copied from them instead of being parsed again. Shadows that were not used for long go first.
 *
 * A line gets a shadow only if this process has encoded it before. Then it is certain that the line is in
 * the encoder's form, and likely that its value comes again.
 */
export class LineShadows {
  #maxBytes: number;
  /** Entries used in this generation, and entries last used in the one before. */
  #young = new Map<string, Entry>();
  #old = new Map<string, Entry>();
  #youngBytes = 0;
  #oldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes in memory, estimated. The lines themselves are not counted: others hold them, too. */
  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  /** Takes no more memory than this from now on. */
  limit(maxBytes: number): void {
    this.#maxBytes = maxBytes;
    while (this.bytes > maxBytes) this.#startGeneration();
  }

  /** Whether the shadows of lines with so many characters fit at the same time. */
  fits(characters: number): boolean {
    return characters * 2 <= this.#maxBytes / 2;
  }

  /** Notes the lines that the encoder gave for a value, if they fit. */
  note(lines: readonly string[]): void {
    if (!this.fits(measureLines(lines))) return;
    for (const line of lines) this.#note(line);
  }

  #note(line: string): void {
    if (line.length < MIN_LENGTH) return;
    const key = keyOf(line);
    if (this.#use(key)?.line !== line) {
      const tree = { tree: undefined, form: undefined, isTagged: false, needsLoader: false };
      this.#add(key, { line, ...tree, bytes: NOTED_BYTES });
    }
  }

  /** The shadow of a line; undefined if the encoder has not given it yet. */
  make(line: string): Shadow | undefined {
    if (line.length < MIN_LENGTH) return undefined;
    const entry = this.#use(keyOf(line));
    if (entry?.line !== line) return undefined;
    if (entry.tree === undefined) {
      entry.tree = shareEmpty(parseJson(line));
      entry.form = layOutMessage(entry.tree);
      entry.isTagged = line.includes(TAG_OPENING);
      entry.needsLoader = needsLoader(line);
      const bytes = measureText(line) + TREE_BYTES;
      entry.bytes += bytes;
      this.#youngBytes += bytes;
      this.#ageIfFull();
    }
    return entry;
  }

  /** The shadow of a line, if it was made already. */
  find(line: string): Shadow | undefined {
    if (line.length < MIN_LENGTH) return undefined;
    const entry = this.#use(keyOf(line));
    return entry?.line === line && entry.tree !== undefined ? entry : undefined;
  }

  #use(key: string): Entry | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.#oldBytes -= old.bytes;
    this.#add(key, old);
    return old;
  }

  #add(key: string, entry: Entry): void {
    this.#youngBytes += entry.bytes - (this.#young.get(key)?.bytes ?? 0);
    this.#young.set(key, entry);
    this.#ageIfFull();
  }

  #ageIfFull(): void {
    if (this.#youngBytes > this.#maxBytes / 2) this.#startGeneration();
  }

  #startGeneration(): void {
    this.#old = this.#young;
    this.#oldBytes = this.#youngBytes;
    this.#young = new Map();
    this.#youngBytes = 0;
  }
}

/** The key of a line. A few other lines may have the same key, so the line itself is compared too. */
function keyOf(line: string): string {
  if (line.length <= MAX_KEY_LENGTH) return line;
  const middle = line.length >> 1;
  return [
    line.length,
    line.slice(0, SAMPLE_LENGTH),
    line.slice(middle, middle + SAMPLE_LENGTH),
    line.slice(-SAMPLE_LENGTH),
  ].join(" ");
}
