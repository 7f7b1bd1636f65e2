import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import {
  BUSY_STATUS,
  encodeHead,
  HEAD_HEADER,
  type KeeperBounds,
  MAX_HEADER_BYTES,
  NOT_KEPT_STATUS,
  type Order,
} from "./keeper-protocol.ts";
import { KeptCalls } from "./kept-calls.ts";

const OK = 200;
const BAD_REQUEST = 400;
const UNAUTHORIZED = 401;
const NOT_FOUND = 404;

const PATH = /^\/calls\/(?<callId>[\w-]{1,128})(?:\/(?<orderId>[\w-]{1,64}))?$/;

function isEqual(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)];
  return one.length === other.length && timingSafeEqual(one, other);
}

async function readOrder(request: IncomingMessage): Promise<Order> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return JSON.parse(Buffer.concat(pieces).toString()) as Order;
}

function send(response: ServerResponse, status: number, body?: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(body && JSON.stringify(body));
}

/** Serves agents of one user: makes their requests, and keeps the answers. */
export class KeeperServer {
  readonly http: Server;
  readonly #calls: KeptCalls;
  readonly #token: string;
  #usedAtMs = performance.now();

  constructor(token: string, bounds: KeeperBounds) {
    this.#token = `Bearer ${token}`;
    this.#calls = new KeptCalls(bounds);
    this.http = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
    // An answer takes as long as it takes. The requests come from this machine.
    this.http.requestTimeout = 0;
    // A connection ends with its agent. One that was closed here could be closed just as it is used again.
    this.http.keepAliveTimeout = 0;
  }

  /** It makes no request, and keeps no answer. */
  get isEmpty(): boolean {
    this.#calls.sweep();
    return this.#calls.isEmpty;
  }

  /** Since when there has been nothing to do or to keep, in ms. */
  get idleMs(): number {
    if (!this.isEmpty) this.#usedAtMs = performance.now();
    return performance.now() - this.#usedAtMs;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#usedAtMs = performance.now();
    if (!isEqual(request.headers.authorization ?? "", this.#token)) {
      send(response, UNAUTHORIZED);
      return;
    }
    const { callId, orderId } = PATH.exec(request.url ?? "")?.groups ?? {};
    if (callId === undefined) {
      send(response, NOT_FOUND);
    } else if (request.method === "GET") {
      const found = this.#calls.describe(callId);
      send(response, found ? OK : NOT_FOUND, found);
    } else if (request.method === "DELETE") {
      this.#calls.drop(callId, orderId);
      send(response, OK);
    } else if (request.method === "POST") {
      await this.#answer(callId, request, response);
    } else {
      send(response, BAD_REQUEST);
    }
  }

  async #answer(callId: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const order = await readOrder(request);
    const taken = this.#calls.take(callId, order);
    if (!taken) {
      send(response, order.isForKept ? NOT_KEPT_STATUS : BUSY_STATUS);
      return;
    }
    // The provider may take its time. The agent is to know that it was heard.
    response.writeProcessing();
    const { answer, isNew } = taken;
    const head = await answer.head;
    const sent = "status" in head ? { ...head, isPickedUp: !isNew } : head;
    response.writeHead(OK, { [HEAD_HEADER]: encodeHead(sent) });
    response.flushHeaders();
    if (!("status" in head)) {
      response.end();
      return;
    }
    for await (const chunk of answer.read()) {
      // Whoever read along has gone. The rest is kept for who comes next.
      if (response.destroyed) return;
      if (response.write(chunk)) continue;
      await new Promise<void>((resolve) => {
        response.once("drain", resolve).once("close", resolve);
      });
    }
    response.end();
  }
}
