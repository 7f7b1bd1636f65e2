import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** What a client sent. */
export interface ReceivedRequest {
  /** From 0. */
  readonly index: number;
  readonly model: string;
  readonly streaming: boolean;
  readonly body: {
    readonly messages: readonly { readonly role: string; readonly content: unknown }[];
    readonly tools?: readonly unknown[];
    readonly [key: string]: unknown;
  };
  readonly headers: IncomingMessage["headers"];
  readonly receivedAtMs: number;
  /** The client went away before the answer was complete. */
  aborted: boolean;
}

/** One reply: writes whatever it likes onto the connection. */
export type Reply = (response: ServerResponse, request: ReceivedRequest) => void | Promise<void>;

/** Picks the reply to a request. */
export type Script = (request: ReceivedRequest) => Reply;

/** An OpenAI-compatible server on loopback whose every answer is scripted, faults included. */
export class FaultServer {
  readonly requests: ReceivedRequest[] = [];
  /** What is still to be sent; when it is used up, the last one is repeated. */
  #script: Script;
  readonly #server = createServer((request, response) => void this.#handle(request, response));
  readonly #sockets = new Set<Socket>();

  private constructor(script: Script) {
    this.#script = script;
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  static async start(...replies: Reply[]): Promise<FaultServer> {
    const server = new FaultServer(inOrder(replies));
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get baseURL(): string {
    return `http://127.0.0.1:${this.port}/v1`;
  }

  /** Replaces what is to come; the last reply is repeated. */
  play(...replies: Reply[]): void {
    this.#script = inOrder(replies);
  }

  /** Replaces what is to come by a function of the request. */
  playScript(script: Script): void {
    this.#script = script;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    if (this.#server.listening) await once(this.#server, "close");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = "";
    for await (const piece of request) text += String(piece);
    const body = (text === "" ? {} : JSON.parse(text)) as ReceivedRequest["body"];
    const received: ReceivedRequest = {
      index: this.requests.length,
      model: String(body["model"]),
      streaming: body["stream"] === true,
      body,
      headers: request.headers,
      receivedAtMs: performance.now(),
      aborted: false,
    };
    this.requests.push(received);
    response.on("close", () => {
      received.aborted = !response.writableFinished;
    });
    response.on("error", () => undefined);
    await this.#script(received)(response, received);
  }
}

function inOrder(replies: readonly Reply[]): Script {
  let next = 0;
  return () => {
    const reply = replies[Math.min(next, replies.length - 1)];
    next += 1;
    if (!reply) throw new Error("The fault server has no reply");
    return reply;
  };
}
