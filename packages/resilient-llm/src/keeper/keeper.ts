import { createHash } from "node:crypto";
import type { ClientRequest, IncomingMessage } from "node:http";
import { join, resolve } from "node:path";
import { Readable } from "node:stream";
import { findFolder, type KeeperAddress, openFolder, readAddress } from "./keeper-address.ts";
import { ask, awaitAnswer, DeafKeeper, isAlive, isHeard, readText } from "./keeper-connection.ts";
import {
  type AnswerHead,
  BUSY_STATUS,
  decodeHead,
  HEAD_HEADER,
  type KeeperBounds,
  type KeptCall,
  NOT_KEPT_STATUS,
  type Order,
} from "./keeper-protocol.ts";
import { findPackage, type KeeperOrder, readNetworkSettings, startKeeper } from "./start-keeper.ts";

const OK = 200;
const UNAUTHORIZED = 401;

/** After a keeper could not be used, nobody tries again for so long, in ms. */
const REST_MS = 30_000;

/** How a keeper is used, and bounded. */
export interface KeeperSettings extends KeeperBounds {
  /** `undefined`: the user's own. */
  readonly folder: string | undefined;
}

/** An answer as the keeper relays it. */
export interface RelayedAnswer {
  readonly head: AnswerHead;
  readonly body: ReadableStream<Uint8Array>;
}

/** There is no keeper, or it takes no more. The provider has not been asked. */
export class KeeperUnavailable extends Error {
  override readonly name = "KeeperUnavailable";
}

/** What `fetch` throws where the provider, or the keeper, cannot be reached. */
function createFetchError(message: string, code: string | undefined): TypeError {
  const cause = Object.assign(new Error(message), code === undefined ? {} : { code });
  return new TypeError("fetch failed", { cause });
}

/** Whether a request has not reached a keeper: it has ended since it was found. */
function isGone(error: unknown, asked: ClientRequest): boolean {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ECONNREFUSED" || code === "ENOENT") return true;
  return (code === "ECONNRESET" || code === "EPIPE") && asked.reusedSocket && !isHeard(asked);
}

/** The keeper as a process that uses it sees it. It is started when it is needed first. */
export class Keeper {
  readonly #order: KeeperOrder;
  readonly #program: string | undefined;
  #address: KeeperAddress | undefined;
  #finding: Promise<KeeperAddress> | undefined;
  #failedAtMs = -Infinity;
  #failure: KeeperUnavailable | undefined;

  /** @param onLoopback It listens on the loopback interface instead of on a socket. */
  constructor(
    { folder: given = findFolder(), ...bounds }: KeeperSettings,
    onLoopback: boolean = process.platform === "win32",
  ) {
    // The keeper works in another folder than this process.
    const folder = resolve(given);
    const found = findPackage();
    this.#program = found?.program;
    // Whoever has other bounds, another version or another network gets another keeper.
    const kind = JSON.stringify([found?.version, bounds, readNetworkSettings(), onLoopback]);
    const name = createHash("sha256").update(kind).digest("hex").slice(0, 16);
    this.#order = { folder, file: join(folder, `keeper-${name}.json`), onLoopback, bounds };
  }

  /** A keeper will be needed. If it has to be started, that need not wait until then. */
  prepare(): void {
    // Who needs it is told what is wrong.
    this.#find().catch(() => undefined);
  }

  /**
   * What is kept of a call. `undefined`: nothing.
   *
   * @throws KeeperUnavailable if there is no keeper
   */
  async find(callId: string): Promise<KeptCall | undefined> {
    const answer = await this.#send((address) => ask(address, "GET", `/calls/${callId}`).end());
    const text = await readText(answer);
    return answer.statusCode === OK ? (JSON.parse(text) as KeptCall) : undefined;
  }

  /**
   * Has a request made, or picks the answer up that is kept of it. `undefined`: nothing is kept, and the order wanted
   * nothing else.
   *
   * @throws KeeperUnavailable if the request was not made
   * @throws TypeError if the provider cannot be reached, as `fetch` does
   */
  async relay(
    callId: string,
    order: Order,
    signal: AbortSignal,
  ): Promise<RelayedAnswer | undefined> {
    const body = JSON.stringify(order);
    const answer = await this.#send((address) => {
      const asked = ask(address, "POST", `/calls/${callId}`);
      const end = () => asked.destroy(new Error("aborted"));
      signal.addEventListener("abort", end, { once: true });
      asked.once("close", () => signal.removeEventListener("abort", end));
      return asked.end(body);
    }, signal);
    if (answer.statusCode !== OK) {
      answer.resume();
      if (answer.statusCode === NOT_KEPT_STATUS && order.isForKept) return undefined;
      throw new KeeperUnavailable(
        answer.statusCode === BUSY_STATUS
          ? "The keeper makes as many requests as it may (journal.keeper.maxRequests)"
          : `The keeper answered with status ${answer.statusCode}`,
      );
    }
    const head = decodeHead(String(answer.headers[HEAD_HEADER]));
    if (!("status" in head)) {
      answer.resume();
      throw createFetchError(head.message, head.code);
    }
    return { head, body: Readable.toWeb(answer) as ReadableStream<Uint8Array> };
  }

  /** Lets go of what is kept of a call, or of what an order was given. If that still comes, it is broken off. */
  forget(callId: string, orderId?: string): void {
    const address = this.#address;
    if (!address) return;
    const path = orderId === undefined ? `/calls/${callId}` : `/calls/${callId}/${orderId}`;
    const asked = ask(address, "DELETE", path);
    // What stays there costs the keeper some memory, for a while.
    asked.on("error", () => undefined).on("response", (answer) => answer.resume());
    asked.on("socket", (socket) => socket.unref());
    asked.end();
  }

  /** Sends a request to a keeper that lives. One that has ended since it was found is found anew. */
  async #send(
    begin: (address: KeeperAddress) => ClientRequest,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    for (let isSecond = false; ; isSecond = true) {
      const address = await this.#find();
      signal?.throwIfAborted();
      const asked = begin(address);
      try {
        const answer = await awaitAnswer(asked);
        if (answer.statusCode !== UNAUTHORIZED || isSecond) return answer;
        answer.resume();
      } catch (error) {
        signal?.throwIfAborted();
        // Whether it still asks the provider, nobody knows. What may be paid for twice is at least answered.
        if (error instanceof DeafKeeper) throw this.#rest(error);
        if (!isGone(error, asked)) throw createFetchError(String(error), "ECONNRESET");
        if (isSecond) throw this.#rest(error);
      }
      if (this.#address === address) this.#address = undefined;
    }
  }

  async #find(): Promise<KeeperAddress> {
    if (this.#address) return this.#address;
    this.#finding ??= this.#findNow().finally(() => {
      this.#finding = undefined;
    });
    this.#address = await this.#finding;
    return this.#address;
  }

  async #findNow(): Promise<KeeperAddress> {
    const isResting = performance.now() - this.#failedAtMs < REST_MS;
    if (this.#failure && isResting) throw this.#failure;
    try {
      // What somebody else could have put there would be sent keys and prompts.
      await openFolder(this.#order.folder);
      const known = await readAddress(this.#order.file);
      if (known && (await isAlive(known))) return known;
      if (this.#program === undefined) {
        throw new Error(
          "The files of @threadkeep/resilient-llm are not where they were published. A bundler has to leave it out",
        );
      }
      await startKeeper(this.#program, this.#order);
      const address = await readAddress(this.#order.file);
      if (address) return address;
      throw new Error("The keeper did not start: it left no address");
    } catch (error) {
      throw this.#rest(error);
    }
  }

  /** Others need not wait for what does not work. Returns the error that says why. */
  #rest(cause: unknown): KeeperUnavailable {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const failure = new KeeperUnavailable(reason, { cause });
    this.#failedAtMs = performance.now();
    this.#failure = failure;
    this.#address = undefined;
    return failure;
  }
}
