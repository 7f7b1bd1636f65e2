import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { HttpServer } from "../http-server.ts";
import {
  chatRequestSchema,
  digestMessages,
  identifySpeaker,
} from "../model-server/chat-protocol.ts";
import { CallLog } from "./call-log.ts";
import type { ModelCall } from "./model-call.ts";

/** When a call can be held: as it comes in, before it costs anything, or in mid-answer. */
export type HoldMoment = "asked" | "answering";

/**
 * Asked at each {@link HoldMoment} of each call; while the promise it returns is pending, the call
 * gets no further.
 */
export type CallGate = (call: ModelCall, moment: HoldMoment) => Promise<void> | undefined;

/** Headers that concern one connection, or that `fetch` sets by itself. */
const HOP_HEADERS = new Set([
  "accept-encoding",
  "connection",
  "content-encoding",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Stands between the agent and the model's server, scripted or real. It passes everything on unchanged
 * and keeps the request log. It lives outside of the agent's process, so a kill does not end it.
 */
export class RecordingProxy {
  readonly log: CallLog = new CallLog();
  /** Holds calls; by default none. */
  gate: CallGate = () => undefined;
  readonly #upstream: string;
  readonly #server = new HttpServer((request, response) => this.#pass(request, response));

  /** @param upstream - Base URL of the model's server, for instance `https://api.openai.com/v1`. */
  constructor(upstream: string) {
    this.#upstream = upstream.replace(/\/+$/, "");
  }

  /** Listens, and returns the base URL for the agent, with `/v1` at the end. */
  async start(): Promise<string> {
    return `${await this.#server.start()}/v1`;
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const call = this.#note(request, body);
    const end = (outcome: "completed" | "failed" | "cut"): void => {
      if (call) this.log.close(call.id, outcome);
    };
    const clientGone = new AbortController();
    // `close` follows `finish`, or comes alone when the client went away before the answer was out.
    const closed = once(response, "close").then(() => {
      if (!response.writableFinished) clientGone.abort();
    });
    const hold = async (moment: HoldMoment): Promise<void> => {
      if (call) await Promise.race([this.gate(call, moment), closed]);
      clientGone.signal.throwIfAborted();
    };

    try {
      await hold("asked");
      const answer = await this.#ask(request, body, clientGone.signal);
      if (call) this.log.begin(call.id, answer.status, readPauseMs(answer));
      response.writeHead(answer.status, Object.fromEntries(passedHeaders(answer.headers)));
      let begun = false;
      for await (const part of answer.body ?? []) {
        response.write(part);
        if (!begun && answer.ok) await hold("answering");
        begun = true;
      }
      response.end();
      await closed;
      clientGone.signal.throwIfAborted();
      end(answer.ok ? "completed" : "failed");
    } catch {
      // A stream cut short must look like one to the client, not like an answer that ends here.
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end("The model's server cannot be reached.");
      end(clientGone.signal.aborted ? "cut" : "failed");
    }
  }

  #note(request: IncomingMessage, body: Buffer): ModelCall | undefined {
    if (request.method !== "POST" || !request.url?.endsWith("/chat/completions")) return undefined;
    const { model, messages, stream } = chatRequestSchema.parse(JSON.parse(body.toString()));
    return this.log.open({
      ...identifySpeaker(messages),
      digest: digestMessages(messages),
      model,
      streamed: stream ?? false,
    });
  }

  #ask(request: IncomingMessage, body: Buffer, signal: AbortSignal): Promise<Response> {
    return fetch(this.#upstream + (request.url ?? "").replace(/^\/v1/, ""), {
      method: request.method ?? "GET",
      headers: passedHeaders(Object.entries(request.headers)),
      body: body.length > 0 ? new Uint8Array(body) : null,
      signal,
    });
  }
}

/** The pause that a refusal asks for, in ms, from either header. A date is not read. */
function readPauseMs({ ok, headers }: Response): number | undefined {
  if (ok) return undefined;
  const milliseconds = headers.get("retry-after-ms") ?? Number.NaN;
  const seconds = headers.get("retry-after") ?? Number.NaN;
  return [Number(milliseconds), Number(seconds) * 1000].find(Number.isFinite);
}

function passedHeaders(
  headers: Iterable<[string, string | string[] | undefined]>,
): [string, string][] {
  return [...headers].flatMap(([name, value]) =>
    value === undefined || HOP_HEADERS.has(name) ? [] : [[name, String(value)]],
  );
}
