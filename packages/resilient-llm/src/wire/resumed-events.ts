/** The blank line that ends an event, as servers send it. */
const EVENT_END = /\r\n\r\n|\n\n|\r\r/g;

/** In a text of the answer the quotes would be escaped. */
const SEQUENCE_NUMBER = /"sequence_number"\s*:\s*(\d+)/;
const TYPE = /"type"\s*:\s*"(response\.\w+)"/;

/** One of these tells the response's id. */
const FIRST_EVENT = /^response\.(?:created|queued|in_progress)$/;

/** After these nothing more comes. */
const LAST_EVENT = /^response\.(?:completed|incomplete|failed|cancelled)$/;

function readId(event: string): string | undefined {
  const data = event.match(/^data:.*/gm)?.map((line) => line.slice("data:".length)) ?? [];
  try {
    const { response } = JSON.parse(data.join("\n")) as { readonly response?: { id?: unknown } };
    return typeof response?.id === "string" ? response.id : undefined;
  } catch {
    // Whoever inspects the stream says what is wrong with it.
    return undefined;
  }
}

/**
 * The events of a background response over several connections. Only whole ones are handed on, so a next connection
 * can go on with the one after the last.
 */
export class ResumedEvents {
  readonly #encoder = new TextEncoder();
  #decoder = new TextDecoder();
  #pending = "";
  #id: string | undefined;
  #cursor: number | undefined;
  #isOver = false;

  /** @param id The response's id, if it is known already. */
  constructor(id?: string) {
    this.#id = id;
  }

  /** The response's id. `undefined`: no event has told it. */
  get id(): string | undefined {
    return this.#id;
  }

  /** The number of the last event that came whole. Events without one do not move it. */
  get cursor(): number | undefined {
    return this.#cursor;
  }

  /** The last event of the response has come. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Takes a piece of the body. Returns the events that are whole now, each once. */
  push(piece: Uint8Array): Uint8Array | undefined {
    this.#pending += this.#decoder.decode(piece, { stream: true });
    let whole = "";
    let end = 0;
    for (const match of this.#pending.matchAll(EVENT_END)) {
      const next = match.index + match[0].length;
      const event = this.#pending.slice(end, next);
      if (this.#take(event)) whole += event;
      end = next;
    }
    this.#pending = this.#pending.slice(end);
    return whole === "" ? undefined : this.#encoder.encode(whole);
  }

  /** The connection has broken. The event that it broke in comes again. */
  breakOff(): void {
    this.#pending = "";
    this.#decoder = new TextDecoder();
  }

  /** What is left at the end of the body. */
  takeRest(): Uint8Array | undefined {
    const rest = this.#pending;
    this.breakOff();
    return rest === "" ? undefined : this.#encoder.encode(rest);
  }

  /** Returns whether the event is a new one. A server may begin at the first one all the same. */
  #take(event: string): boolean {
    const number = Number(SEQUENCE_NUMBER.exec(event)?.[1] ?? Number.NaN);
    if (number <= (this.#cursor ?? -1)) return false;
    if (!Number.isNaN(number)) this.#cursor = number;
    const type = TYPE.exec(event)?.[1] ?? "";
    if (LAST_EVENT.test(type)) this.#isOver = true;
    if (FIRST_EVENT.test(type)) this.#id ??= readId(event);
    return true;
  }
}
