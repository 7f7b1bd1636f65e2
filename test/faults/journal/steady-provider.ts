import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** One request as the provider saw it. */
export interface LoggedRequest {
  /** What was asked, as `nameCall` names it. */
  readonly call: string;
  /** Whether the rest of an answer was asked for. */
  readonly continues: boolean;
  /** Words that were sent before the answer ended or the client went away. */
  words: number;
  /** The whole answer was sent. */
  isComplete: boolean;
}

/** What happens at the provider, for whoever wants to kill somebody right then. */
export type ProviderMoment = "asked" | "word" | "answered";

/** How the provider answers. */
export interface Pace {
  /** Words of each answer. */
  readonly words: number;
  /** Milliseconds between two words of a stream. */
  readonly pauseMs: number;
}

const DEFAULT_PACE: Pace = { words: 60, pauseMs: 2 };

/** The provider's answer to a call, always the same. */
export function answerTo(call: string, count = DEFAULT_PACE.words): string {
  let state = Array.from(call).reduce((sum, one) => (sum * 31 + one.charCodeAt(0)) >>> 0, 7);
  const words = [call];
  while (words.length < count) {
    state = (state * 1_103_515_245 + 12_345) >>> 0;
    words.push(`w${(state >>> 8).toString(36)}`);
  }
  return words.join(" ");
}

interface AskedMessage {
  readonly role: string;
  readonly content: unknown;
}

/**
 * An OpenAI-compatible provider that answers each prompt with the same words and continues answers as it is
 * asked to. It keeps a log of what it was asked for.
 */
export class SteadyProvider implements AsyncDisposable {
  readonly log: LoggedRequest[] = [];
  /** Requests that are being answered. */
  running = 0;
  onMoment: ((moment: ProviderMoment, words: number) => void) | undefined;
  readonly #pace: Pace;
  readonly #server = createServer((request, response) => {
    // A client that was killed takes its connection with it.
    this.#answer(request, response).catch(() => response.destroy());
  });

  private constructor(pace: Pace) {
    this.#pace = pace;
  }

  static async start(pace = DEFAULT_PACE): Promise<SteadyProvider> {
    const provider = new SteadyProvider(pace);
    provider.#server.listen(0, "127.0.0.1");
    await once(provider.#server, "listening");
    return provider;
  }

  get baseURL(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const piece of request) body += String(piece);
    const { messages, stream } = JSON.parse(body) as {
      readonly messages: readonly AskedMessage[];
      readonly stream?: boolean;
    };
    const call = String(messages[0]?.content);
    const partial = messages.length > 1 ? String(messages[1]?.content) : undefined;
    const logged: LoggedRequest = {
      call,
      continues: partial !== undefined,
      words: 0,
      isComplete: false,
    };
    this.log.push(logged);
    this.running += 1;
    response.once("close", () => (this.running -= 1));
    this.onMoment?.("asked", 0);
    const whole = answerTo(call, this.#pace.words);
    const asked = String(messages[2]?.content);
    const lastWords = asked.slice(asked.indexOf("\n") + 1);
    const text =
      partial === undefined ? whole : whole.slice(partial.trimEnd().length - lastWords.length);
    await (stream === true
      ? this.#stream(response, logged, text)
      : this.#sendWhole(response, logged, text));
    if (response.destroyed && !response.writableFinished) return;
    logged.isComplete = true;
    this.onMoment?.("answered", logged.words);
  }

  async #stream(response: ServerResponse, logged: LoggedRequest, text: string): Promise<void> {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const base = { id: `chatcmpl-${this.log.length}`, object: "chat.completion.chunk" };
    const send = (frame: object) =>
      response.write(`data: ${JSON.stringify({ ...base, created: 1, model: "m", ...frame })}\n\n`);
    const sendDelta = (delta: object, reason: string | null = null) =>
      send({ choices: [{ index: 0, delta, finish_reason: reason }] });
    for (const word of text.match(/\S+\s*/g) ?? []) {
      if (response.destroyed) return;
      sendDelta({ content: word });
      logged.words += 1;
      this.onMoment?.("word", logged.words);
      if (this.#pace.pauseMs > 0) await sleep(this.#pace.pauseMs);
    }
    sendDelta({}, "stop");
    send({ choices: [], usage: this.#countUsage(logged) });
    response.end("data: [DONE]\n\n");
    await once(response, "close");
  }

  async #sendWhole(response: ServerResponse, logged: LoggedRequest, text: string): Promise<void> {
    logged.words = text.split(" ").length;
    response.writeHead(200, { "content-type": "application/json" });
    const message = { role: "assistant", content: text };
    response.end(
      JSON.stringify({
        id: `chatcmpl-${this.log.length}`,
        object: "chat.completion",
        created: 1,
        model: "m",
        choices: [{ index: 0, message, finish_reason: "stop" }],
        usage: this.#countUsage(logged),
      }),
    );
    await once(response, "close");
  }

  #countUsage({ words }: LoggedRequest): object {
    return { prompt_tokens: 10, completion_tokens: words, total_tokens: 10 + words };
  }
}
