import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import type { Reply, Script } from "@threadkeep/examples/demo/scripted-model";
import { z } from "zod";
import { HttpServer } from "../http-server.ts";
import { renderChunks, renderCompletion } from "./chat-completion.ts";
import { chatRequestSchema, toLangChainMessage, type ChatRequest } from "./chat-protocol.ts";
import { Outage, type Refusal } from "./outage.ts";

/** How long the scripted model takes. */
export interface ModelPace {
  /**
   * Before the first word, or before the whole answer where it is not streamed.
   *
   * @default 0
   */
  firstTokenMs?: number;
  /**
   * Between two words of a streamed answer.
   *
   * @default 0
   */
  tokenMs?: number;
}

const RATE_LIMITED = { message: "Too many requests.", type: "rate_limit_error", code: null };
const OVERLOADED = { message: "The model is overloaded.", type: "server_error", code: null };

/**
 * An OpenAI-compatible server with scripted replies: `POST /v1/chat/completions`, streamed or whole,
 * with tool calls and usage, and `GET /v1/models`.
 *
 * The {@link Script} decides what it answers, from the conversation alone. The {@link Outage} decides
 * whether it answers.
 */
export class ScriptedModelServer {
  /** What it turned down. */
  readonly outage: Outage;
  readonly #script: Script;
  readonly #pace: Required<ModelPace>;
  readonly #server = new HttpServer((request, response) => this.#answer(request, response));

  /** @param outage - Turns requests down on purpose; by default none. */
  constructor(script: Script, pace: ModelPace = {}, outage: Outage = new Outage()) {
    this.#script = script;
    this.#pace = { firstTokenMs: 0, tokenMs: 0, ...pace };
    this.outage = outage;
  }

  /** Listens, and returns the base URL that OpenAI clients want, with `/v1` at the end. */
  async start(): Promise<string> {
    return `${await this.#server.start()}/v1`;
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === "GET" && request.url === "/v1/models")
      return sendJson(response, 200, {
        object: "list",
        data: [{ id: "scripted", object: "model", created: 0, owned_by: "threadkeep" }],
      });
    if (request.method !== "POST" || request.url !== "/v1/chat/completions")
      return sendError(response, 404, `No such path: ${request.method} ${request.url}`);

    const parsed = chatRequestSchema.safeParse(JSON.parse(await text(request)));
    if (!parsed.success) return sendError(response, 400, z.prettifyError(parsed.error));
    const refusal = this.outage.refuse(parsed.data);
    if (refusal) return sendRefusal(response, refusal);
    let reply: Reply;
    try {
      reply = this.#script(parsed.data.messages.map(toLangChainMessage));
    } catch (error) {
      return sendError(response, 400, (error as Error).message);
    }

    await sleep(this.#pace.firstTokenMs);
    if (parsed.data.stream) await this.#stream(response, parsed.data, reply);
    else sendJson(response, 200, renderCompletion(parsed.data, reply));
  }

  async #stream(response: ServerResponse, request: ChatRequest, reply: Reply): Promise<void> {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
    for (const chunk of renderChunks(request, reply)) {
      if (response.destroyed) return;
      response.write(`data: ${JSON.stringify(chunk)}\n\n`);
      await sleep(this.#pace.tokenMs);
    }
    response.end("data: [DONE]\n\n");
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function sendRefusal(response: ServerResponse, { status, pauseMs }: Refusal): void {
  response.setHeader("retry-after-ms", pauseMs);
  sendJson(response, status, {
    error: status === 429 ? RATE_LIMITED : OVERLOADED,
  });
}

function sendError(response: ServerResponse, status: number, message: string): void {
  sendJson(response, status, {
    error: { message, type: "invalid_request_error", param: null, code: null },
  });
}
