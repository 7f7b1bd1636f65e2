import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { HttpServer } from "../../shared/http-server.ts";
import { ActionLedger } from "./action-ledger.ts";
import { EVIDENCE } from "./evidence.ts";

const order = z.object({
  key: z.string().min(1),
  action: z.enum(["open_incident", "post_update", "roll_back", "check_recovery", "publish_report"]),
  args: z.record(z.string(), z.unknown()),
});

type Order = z.infer<typeof order>;

/**
 * The systems of an imaginary company, which the agent reads from and acts on over HTTP.
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
    const result = carryOut(parsed.data);
    this.ledger.append({ at: Date.now(), ...parsed.data, result });
    sendJson(response, 200, { result });
  }
}

/** Results follow from the order alone, so two runs of the same job can be compared. */
function carryOut({ key, action, args }: Order): string {
  switch (action) {
    case "open_incident":
      return `INC-${(createHash("sha256").update(JSON.stringify(args)).digest().readUInt16BE() % 9000) + 1000}`;
    case "post_update":
      return "posted on the status page";
    case "roll_back":
      return `${String(args["service"])} is back on ${String(args["release"])}, 100 % of traffic`;
    case "check_recovery":
      return `${String(args["service"])}: p99 320 ms, errors 0.1 %, objectives met for 60 s`;
    case "publish_report":
      return `published as report ${key.split("/").at(-1)}`;
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
