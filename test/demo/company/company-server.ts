import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { ACTIONS } from "@threadkeep/examples/demo/company/company";
import { EVIDENCE } from "@threadkeep/examples/demo/company/evidence";
import { carryOut } from "@threadkeep/examples/demo/company/imaginary-company";
import { z } from "zod";
import { HttpServer } from "../http-server.ts";
import { ActionLedger } from "./action-ledger.ts";

const order = z.object({
  key: z.string().min(1),
  action: z.enum(ACTIONS),
  args: z.record(z.string(), z.unknown()),
});

/**
 * The imaginary company's systems, over HTTP. They live outside of the processes that are killed.
 *
 * - `GET /evidence`: what monitoring says
 * - `POST /actions` with `{ key, action, args }`: does it, notes it in the {@link ledger} and answers `{ result }`
 */
export class CompanyServer {
  /** What was done, and how often. */
  readonly ledger: ActionLedger = new ActionLedger();
  readonly #server = new HttpServer((request, response) => this.#answer(request, response));

  /** Listens on a free port of the loopback interface and returns the URL. */
  start(): Promise<string> {
    return this.#server.start();
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === "GET" && request.url === "/evidence")
      return sendJson(response, 200, EVIDENCE);
    if (request.method !== "POST" || request.url !== "/actions")
      return sendJson(response, 404, { error: `No such system: ${request.method} ${request.url}` });

    const parsed = order.safeParse(JSON.parse(await text(request)));
    if (!parsed.success) return sendJson(response, 400, { error: z.prettifyError(parsed.error) });
    const { key, action, args } = parsed.data;
    const result = carryOut(action, args, key);
    this.ledger.append({ at: Date.now(), key, action, args, result });
    sendJson(response, 200, { result });
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
