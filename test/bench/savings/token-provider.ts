import { text } from "node:stream/consumers";
import { setImmediate } from "node:timers/promises";
import type { ServerResponse } from "node:http";
import { HttpServer } from "../../demo/http-server.ts";
import { INPUT_TOKENS, OUTPUT_TOKENS } from "./scenario.ts";

/** Tokens that are sent at once. */
const TOKENS_PER_FRAME = 100;

interface AskedMessage {
  readonly role: string;
  readonly content: unknown;
}

/** A token is a word here, so that what is counted is exact. */
function countTokens(words: string): number {
  return words.match(/\S+/g)?.length ?? 0;
}

/** What a step asks. */
export function promptOf(step: number): string {
  const words = Array.from({ length: INPUT_TOKENS - 1 }, (_, index) => `i${index}`);
  return `step-${step} ${words.join(" ")}`;
}

/** What the provider answers. */
function answerTo(prompt: string): string {
  const step = prompt.slice(0, prompt.indexOf(" "));
  const words = Array.from({ length: OUTPUT_TOKENS - 1 }, (_, index) => `o${index}`);
  return `${step} ${words.join(" ")}`;
}

/**
 * An OpenAI-compatible provider that bills as providers do: what it is sent, and what it has generated until the client
 * goes away. It continues an answer as it is asked to.
 */
export class TokenProvider implements AsyncDisposable {
  inputTokens = 0;
  outputTokens = 0;
  /** Told of tokens before they are sent. */
  onTokens: (tokens: number) => void = () => undefined;
  readonly #server = new HttpServer(async (request, response) => {
    const { messages } = JSON.parse(await text(request)) as { messages: readonly AskedMessage[] };
    await this.#answer(messages, response);
  });

  async start(): Promise<string> {
    return `${await this.#server.start()}/v1`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop();
  }

  async #answer(messages: readonly AskedMessage[], response: ServerResponse): Promise<void> {
    const texts = messages.map(({ content }) => String(content));
    const input = texts.reduce((sum, one) => sum + countTokens(one), 0);
    this.inputTokens += input;
    const whole = answerTo(texts[0] ?? "");
    const lastWords = texts[2]?.slice(texts[2].indexOf("\n") + 1);
    const answer = lastWords === undefined ? whole : whole.slice(whole.indexOf(lastWords));
    const base = { id: `chatcmpl-${this.inputTokens}`, object: "chat.completion.chunk" };
    const send = (frame: object) =>
      response.write(`data: ${JSON.stringify({ ...base, created: 1, model: "m", ...frame })}\n\n`);
    const sendDelta = (delta: object, reason: string | null = null) =>
      send({ choices: [{ index: 0, delta, finish_reason: reason }] });
    response.writeHead(200, { "content-type": "text/event-stream" });
    const words = answer.match(/\S+\s*/g) ?? [];
    for (let from = 0; from < words.length; from += TOKENS_PER_FRAME) {
      const frame = words.slice(from, from + TOKENS_PER_FRAME);
      this.outputTokens += frame.length;
      sendDelta({ content: frame.join("") });
      this.onTokens(frame.length);
      // The client reads, and goes away if its process has died.
      await setImmediate();
      if (response.destroyed) return;
    }
    sendDelta({}, "stop");
    const usage = { prompt_tokens: input, completion_tokens: words.length };
    send({ choices: [], usage: { ...usage, total_tokens: input + words.length } });
    response.end("data: [DONE]\n\n");
  }
}
