import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import type { KeeperAddress } from "./keeper-address.ts";
import { MAX_HEADER_BYTES } from "./keeper-protocol.ts";

const NOT_FOUND = 404;

/** Connections stay open between calls. None of them holds up the end of the process. */
const agent = new Agent({ keepAlive: true });

/** A keeper that lives says within this time that it has heard, in ms. */
const HEARD_WITHIN_MS = 3_000;

/** The process is there and does not react: it was stopped, or its machine is overloaded. */
export class DeafKeeper extends Error {
  override readonly name = "DeafKeeper";

  constructor() {
    super(`The keeper did not react within ${HEARD_WITHIN_MS} ms`);
  }
}

const heard = new WeakSet<ClientRequest>();

/** Whether the keeper has said that it has a request. */
export function isHeard(asked: ClientRequest): boolean {
  return heard.has(asked);
}

/** Begins a request to a keeper. It is not sent before its body is ended. */
export function ask(
  { listen, token }: KeeperAddress,
  method: "GET" | "POST" | "DELETE",
  path: string,
): ClientRequest {
  return request({
    agent,
    method,
    path,
    headers: { authorization: `Bearer ${token}` },
    maxHeaderSize: MAX_HEADER_BYTES,
    ...(typeof listen === "string" ? { socketPath: listen } : { host: "127.0.0.1", port: listen }),
  });
}

/**
 * What comes back, once its headers are there.
 *
 * @throws if the keeper does not even say that it has heard
 */
export function awaitAnswer(asked: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => asked.destroy(new DeafKeeper()), HEARD_WITHIN_MS);
    asked.once("information", () => {
      heard.add(asked);
      clearTimeout(timer);
    });
    asked.once("response", (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    asked.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}

/** The body of a short answer. */
export async function readText(answer: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of answer.setEncoding("utf8")) text += String(piece);
  return text;
}

/** Whether a keeper answers at an address, and knows the token. */
export async function isAlive(address: KeeperAddress): Promise<boolean> {
  try {
    const answer = await awaitAnswer(ask(address, "GET", "/calls/0").end());
    answer.resume();
    return answer.statusCode === NOT_FOUND;
  } catch {
    return false;
  }
}
