import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { recordKill } from "../history/recorder.ts";
import { CALL_BOUND_MS } from "../promises.ts";
import { ENDED, READY, STOP, type ClientOrder } from "./client-order.ts";

const COMPILED = fileURLToPath(
  new URL("../../../node_modules/.cache/threadkeep/compiled", import.meta.url),
);

/** A client's process. */
export interface Client {
  /** Why it ended by itself; undefined if it did not. */
  readonly crash: string | undefined;
  /** How many of its calls have ended. */
  readonly calls: number;
  /** Kills it, and records that. */
  kill(): Promise<void>;
  /** Has it end. One that does not in time is killed, and its calls count as never ended. */
  stop(): Promise<void>;
}

/** Starts a client; resolves when it is about to make its first call. */
export async function startClient(order: ClientOrder): Promise<Client> {
  const child = fork(fileURLToPath(new URL("client-process.ts", import.meta.url)), {
    execArgv: ["--conditions=@threadkeep/source", "--no-warnings"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
    // Compiled once for all of them: a client that starts costs half.
    env: { NODE_COMPILE_CACHE: COMPILED, ...process.env },
  });
  let report = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    report += text;
  });
  let crash: string | undefined;
  let calls = 0;
  child.on("message", (message) => {
    if (message === ENDED) calls += 1;
  });
  let isEnding = false;
  const closed = once(child, "close").then(([code, signal]) => {
    if (isEnding && (code === 0 || signal === "SIGKILL")) return;
    crash = `${order.process} ended with ${signal ?? `code ${code}`}: ${report.trim().slice(-2_000)}`;
  });
  child.send(order);
  await Promise.race([waitForReady(child), closed]);
  return {
    get crash() {
      return crash;
    },
    get calls() {
      return calls;
    },
    async kill() {
      isEnding = true;
      child.kill("SIGKILL");
      await closed;
      recordKill(order.directory, order.process);
    },
    async stop() {
      isEnding = true;
      if (child.connected) child.send(STOP);
      using bound = after(2 * CALL_BOUND_MS, () => child.kill("SIGKILL"));
      await Promise.race([closed, bound.done]);
      await closed;
    },
  };
}

async function waitForReady(child: ReturnType<typeof fork>): Promise<void> {
  for (;;) {
    const [message] = (await once(child, "message")) as [unknown];
    if (message === READY) return;
  }
}

/** Does something after some time, unless it is disposed of. */
function after(ms: number, act: () => void): Disposable & { readonly done: Promise<void> } {
  const stop = new AbortController();
  const done = sleep(ms, undefined, { signal: stop.signal }).then(act, () => undefined);
  return { done, [Symbol.dispose]: () => stop.abort() };
}
