import type { AnswerHead, BrokenHead, Order } from "./keeper-protocol.ts";

/** Headers that are about a connection, or about a body that has been unpacked. */
const HOP_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "keep-alive",
  "set-cookie",
  "transfer-encoding",
]);

/** So many bytes may wait for the reader of an answer that is not kept. */
const MAX_BACKLOG_BYTES = 1024 * 1024;

function readCode(error: unknown): string | undefined {
  for (let current = error; typeof current === "object" && current !== null;) {
    const { cause, code, errors } = current as {
      readonly cause?: unknown;
      readonly code?: unknown;
      readonly errors?: readonly unknown[];
    };
    if (typeof code === "string") return code;
    // Happy Eyeballs reports one error per address tried.
    current = cause ?? errors?.[0];
  }
  return undefined;
}

/**
 * The answer to one request: what has come of it, for whoever reads it, also later and from its beginning. It is
 * read to its end whether anybody reads along or not.
 */
export class KeptAnswer {
  readonly candidate: string;
  readonly number: number;
  /** The order that it was given to last. */
  orderId: string;
  /** Fulfilled with the head, once the provider has answered or failed. */
  readonly head: Promise<AnswerHead | BrokenHead>;
  readonly #abort = new AbortController();
  readonly #onBytes: (bytes: number) => void;
  #chunks: Uint8Array[] = [];
  /** So many chunks have been dropped from the beginning, because the answer is not kept. */
  #dropped = 0;
  #bytes = 0;
  #state: "running" | "complete" | "broken" = "running";
  #endedAtMs: number | undefined;
  #isKept = true;
  #readers = 0;
  /** The chunk that its reader is at. Only of use for an answer that is not kept, which has one reader. */
  #readTo = 0;
  #wake: PromiseWithResolvers<void> = Promise.withResolvers();

  /** @param onBytes Told how many more bytes, or fewer if negative, are held. */
  constructor(order: Order, number: number, onBytes: (bytes: number) => void) {
    this.candidate = order.candidate;
    this.number = number;
    this.orderId = order.id;
    this.#onBytes = onBytes;
    this.head = this.#ask(order);
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** When it ended, in ms by this process's clock. `undefined`: it still comes. */
  get endedAtMs(): number | undefined {
    return this.#endedAtMs;
  }

  /** It can be read from its beginning, and has not broken off. */
  get isUsable(): boolean {
    return this.#isKept && this.#state !== "broken";
  }

  get hasReaders(): boolean {
    return this.#readers > 0;
  }

  /** What has come so far, and the rest as it comes. Fails where the answer broke off. */
  async *read(): AsyncGenerator<Uint8Array> {
    this.#readers += 1;
    try {
      for (let index = 0; ; index += 1) {
        this.#readTo = index;
        this.#trim();
        while (index >= this.#dropped + this.#chunks.length && this.#state === "running") {
          await this.#wake.promise;
        }
        const chunk = this.#chunks[index - this.#dropped];
        if (chunk) yield chunk;
        else if (this.#state === "complete") return;
        else throw new Error("The answer broke off");
      }
    } finally {
      this.#readers -= 1;
      if (!this.#isKept) this.drop();
    }
  }

  /** It is handed on to whoever reads it now, and not held for anybody else. */
  stopKeeping(): void {
    this.#isKept = false;
    if (this.#readers === 0) this.drop();
    else this.#trim();
  }

  /** It is not needed any more. If it still comes, it is broken off. */
  drop(): void {
    this.#isKept = false;
    this.#end("broken");
    // Whoever still reads it must not take what is left for the whole.
    this.#state = "broken";
    this.#abort.abort();
    this.#dropped += this.#chunks.length;
    this.#chunks = [];
    this.#count(-this.#bytes);
  }

  async #ask({ body, headers, url }: Order): Promise<AnswerHead | BrokenHead> {
    let response: Response;
    try {
      response = await fetch(url, { method: "POST", headers, body, signal: this.#abort.signal });
    } catch (error) {
      this.#end("broken");
      return { message: String(error), code: readCode(error) };
    }
    void this.#collect(response);
    // What is no answer is not worth keeping: who asks again has to ask the provider.
    if (!response.ok) this.#isKept = false;
    return {
      status: response.status,
      statusText: response.statusText,
      headers: Object.fromEntries(
        [...response.headers].filter(([name]) => !HOP_HEADERS.has(name.toLowerCase())),
      ),
      number: this.#isKept ? this.number : 0,
      isPickedUp: false,
    };
  }

  async #collect(response: Response): Promise<void> {
    try {
      for await (const chunk of response.body ?? []) {
        this.#chunks.push(chunk);
        this.#count(chunk.byteLength);
        this.#notify();
        while (!this.#isKept && this.#state === "running" && this.#bytes > MAX_BACKLOG_BYTES) {
          await this.#wake.promise;
        }
      }
      this.#end("complete");
    } catch {
      this.#end("broken");
    }
  }

  #trim(): void {
    const read = this.#readTo - this.#dropped;
    if (this.#isKept || read <= 0) return;
    const chunks = this.#chunks.splice(0, read);
    this.#dropped += chunks.length;
    this.#count(-chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
    this.#notify();
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.#onBytes(bytes);
  }

  #end(state: "complete" | "broken"): void {
    if (this.#state !== "running") return;
    this.#state = state;
    this.#endedAtMs = performance.now();
    this.#notify();
  }

  #notify(): void {
    const { resolve } = this.#wake;
    this.#wake = Promise.withResolvers();
    resolve();
  }
}
