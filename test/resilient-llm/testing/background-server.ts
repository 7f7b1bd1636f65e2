import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** One request as the server saw it. */
export interface LoggedRequest {
  readonly method: string;
  /** The path behind `/v1/responses`, with its query. */
  readonly path: string;
  readonly authorization: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a response comes to. */
export interface ResponseScript {
  readonly words: readonly string[];
  /** The response calls a tool in place of saying something: the words are the pieces of its arguments. */
  readonly tool?: string;
  /** Its status at the end. */
  readonly status?: "completed" | "failed";
}

type Event = Readonly<Record<string, unknown>> & { readonly type: string };

interface BackgroundResponse {
  readonly id: string;
  readonly script: ResponseScript;
  readonly events: Event[];
  status: "queued" | "in_progress" | "completed" | "failed" | "cancelled";
}

const INPUT_TOKENS = 10;

/**
 * OpenAI's Responses API, as far as background responses go. They are made whether anybody reads their stream or
 * not, each event has a number, and a stream can be asked for again from any of them:
 * https://platform.openai.com/docs/guides/background.
 */
export class BackgroundServer implements AsyncDisposable {
  readonly log: LoggedRequest[] = [];
  /** What the next responses come to. The last one is repeated. */
  readonly scripts: ResponseScript[] = [{ words: ["hello ", "there"] }];
  /** Milliseconds between two words. */
  paceMs = 1;
  /** A stream breaks off after so many of its events, as often as it is said here. */
  readonly cuts: number[] = [];
  /** Responses are not found any more. */
  hasForgotten = false;
  /** Streams cannot be asked for again, as after a while. Responses as a whole can. */
  hasClosedStreams = false;
  /** The words before the model waits until it is told to go on. */
  pausesAfter = Infinity;
  readonly #responses = new Map<string, BackgroundResponse>();
  #goOn: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #server = createServer((request, response) => {
    this.#serve(request, response).catch(() => response.destroy());
  });

  static async start(): Promise<BackgroundServer> {
    const server = new BackgroundServer();
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get baseURL(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  /** Requests that made a response. */
  get created(): readonly LoggedRequest[] {
    return this.log.filter(({ method, path }) => method === "POST" && path === "");
  }

  /** What was asked about responses, in order. */
  get asked(): readonly string[] {
    return this.log.map(({ method, path }) => `${method} ${path}`);
  }

  /** The model goes on. */
  goOn(): void {
    this.pausesAfter = Infinity;
    this.#goOn.resolve();
    this.#goOn = Promise.withResolvers();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const piece of request) text += String(piece);
    const { method = "", url = "" } = request;
    const path = url.replace("/v1/responses", "");
    const body = (text === "" ? {} : JSON.parse(text)) as LoggedRequest["body"];
    this.log.push({ method, path, authorization: request.headers.authorization, body });
    const [, id = "", action] = path.split(/[/?]/);
    const found = this.#responses.get(id);
    const query = new URLSearchParams(path.split("?")[1]);
    if (method === "POST" && path === "") {
      const created = this.#create(readPart(body));
      await (body["stream"] === true
        ? this.#stream(created, -1, response)
        : sendJson(response, 200, describe(created)));
    } else if (!found || this.hasForgotten) {
      sendError(response, 404, `Response with id '${id}' not found.`);
    } else if (method === "POST" && action === "cancel") {
      found.status = "cancelled";
      sendJson(response, 200, describe(found));
    } else if (query.get("stream") !== "true") {
      sendJson(response, 200, describe(found));
    } else if (this.hasClosedStreams) {
      sendError(response, 400, "The stream of this response is not available any more.");
    } else {
      await this.#stream(found, Number(query.get("starting_after") ?? -1), response);
    }
  }

  #create(part: AskedPart | undefined): BackgroundResponse {
    const id = `resp_${this.#responses.size + 1}`;
    const [scripted] = this.scripts as [ResponseScript];
    if (this.scripts.length > 1) this.scripts.shift();
    const script = part ? continueScript(scripted, part) : scripted;
    const created: BackgroundResponse = { id, script, events: [], status: "queued" };
    this.#responses.set(id, created);
    void this.#generate(created);
    return created;
  }

  async #generate(response: BackgroundResponse): Promise<void> {
    const { events, id, script } = response;
    const { status = "completed", tool, words } = script;
    const add = (type: string, fields: object) => {
      events.push({ type, sequence_number: events.length, ...fields });
    };
    add("response.created", { response: describe(response) });
    add("response.queued", { response: describe(response) });
    await sleep(this.paceMs);
    response.status = "in_progress";
    add("response.in_progress", { response: describe(response) });
    const item = describeItem(id, tool, "");
    add("response.output_item.added", { output_index: 0, item });
    const kind = tool === undefined ? "output_text" : "function_call_arguments";
    let said = "";
    for (const [index, delta] of words.entries()) {
      if (index >= this.pausesAfter) await this.#goOn.promise;
      // A method changes it meanwhile.
      if ((response.status as string) === "cancelled") {
        add("response.cancelled", { response: describe(response, said) });
        return;
      }
      said += delta;
      const place = { item_id: item["id"], output_index: 0, content_index: 0 };
      add(`response.${kind}.delta`, { ...place, delta });
      if (this.paceMs > 0) await sleep(this.paceMs);
    }
    response.status = status;
    const done = describeItem(id, tool, said);
    add("response.output_item.done", { output_index: 0, item: done });
    add(`response.${status}`, { response: describe(response, said) });
  }

  async #stream(
    { events }: BackgroundResponse,
    startingAfter: number,
    response: ServerResponse,
  ): Promise<void> {
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    let left = this.cuts.shift() ?? Infinity;
    for (let next = startingAfter + 1; ; next += 1) {
      while (next >= events.length) {
        if (response.destroyed) return;
        await sleep(1);
      }
      const event = events[next] as Event;
      const frame = `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
      left -= 1;
      if (left < 0) {
        // In the middle of an event, as networks do.
        response.write(frame.slice(0, frame.length / 2), () => response.destroy());
        return;
      }
      response.write(frame);
      if (/completed|failed|cancelled/.test(event.type)) break;
    }
    response.end();
  }
}

/** A text that broke off, and the last words of it that the answer is to begin with. */
interface AskedPart {
  readonly text: string;
  readonly lastWords: string;
}

function readText(content: unknown): string {
  const [first] = content as readonly { readonly text?: string }[];
  return typeof content === "string" ? content : (first?.text ?? "");
}

/** The part that a request asks to continue. */
function readPart({ input }: LoggedRequest["body"]): AskedPart | undefined {
  const messages = input as readonly { readonly role: string; readonly content: unknown }[];
  const [answer, asked] = messages.slice(-2);
  if (answer?.role !== "assistant") return undefined;
  const question = readText(asked?.content);
  return {
    text: readText(answer.content),
    lastWords: question.slice(question.indexOf("\n") + 1),
  };
}

function continueScript({ words }: ResponseScript, { lastWords, text }: AskedPart): ResponseScript {
  const rest = words.join("").slice(text.trimEnd().length - lastWords.length);
  return { words: rest.match(/\S+\s*/g) ?? [] };
}

function describeItem(id: string, tool: string | undefined, said: string): Record<string, unknown> {
  if (tool !== undefined) {
    const call = { type: "function_call", call_id: "call_1", name: tool, arguments: said };
    return { ...call, id: `fc_${id}`, status: "completed" };
  }
  const content = [{ type: "output_text", text: said, annotations: [] }];
  return { type: "message", id: `msg_${id}`, role: "assistant", status: "completed", content };
}

function describe({ id, script, status }: BackgroundResponse, said?: string): object {
  const isOver = status === "completed" || status === "failed" || status === "cancelled";
  const words = script.words.length;
  return {
    id,
    object: "response",
    created_at: 1,
    model: "served",
    background: true,
    status,
    error: status === "failed" ? { code: "server_error", message: "the model is down" } : null,
    output: isOver ? [describeItem(id, script.tool, said ?? script.words.join(""))] : [],
    usage: isOver
      ? { input_tokens: INPUT_TOKENS, output_tokens: words, total_tokens: INPUT_TOKENS + words }
      : null,
  };
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function sendError(response: ServerResponse, status: number, message: string): void {
  sendJson(response, status, { error: { message, type: "invalid_request_error", code: null } });
}
