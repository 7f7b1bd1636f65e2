import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { NetworkProxy } from "../../network/network-proxy.ts";
import { ENDED, HOLDS, READY, STOP, type LeaseOrder } from "./lease-order.ts";

/** A process that counts up, with a network of its own. */
export interface LeaseClient {
  readonly network: NetworkProxy;
  /** Why it ended by itself; undefined if it did not. */
  readonly crash: string | undefined;
  /** How many increments have ended, well or not. */
  readonly ended: number;
  /** Whether the increment under way has got the lease. */
  readonly holds: boolean;
  signal(signal: NodeJS.Signals): void;
  kill(): Promise<void>;
  /** Has it end after the increment under way. */
  stop(): Promise<void>;
}

/** Starts a process; resolves when it is about to begin. */
export async function startLeaseClient(
  uri: string,
  order: Omit<LeaseOrder, "uri">,
): Promise<LeaseClient> {
  const network = await NetworkProxy.start(uri);
  const child = fork(fileURLToPath(new URL("lease-process.ts", import.meta.url)), {
    execArgv: ["--conditions=@threadkeep/source", "--no-warnings"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let report = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    report += text;
  });
  let crash: string | undefined;
  let ended = 0;
  let holds = false;
  let isEnding = false;
  const ready = Promise.withResolvers<void>();
  child.on("message", (message) => {
    if (message === READY) ready.resolve();
    if (message === ENDED) ended += 1;
    holds = message === HOLDS;
  });
  const closed = once(child, "close").then(async ([code, signal]) => {
    if (!isEnding || (code !== 0 && signal !== "SIGKILL")) {
      crash = `${order.process} ended with ${signal ?? `code ${code}`}: ${report.trim().slice(-2_000)}`;
    }
    await network[Symbol.asyncDispose]();
  });
  child.send({ ...order, uri: network.uri } satisfies LeaseOrder);
  await Promise.race([ready.promise, closed]);
  return {
    network,
    get crash() {
      return crash;
    },
    get ended() {
      return ended;
    },
    get holds() {
      return holds;
    },
    signal: (signal) => void child.kill(signal),
    async kill() {
      isEnding = true;
      child.kill("SIGKILL");
      await closed;
    },
    async stop() {
      isEnding = true;
      if (child.connected) child.send(STOP);
      await closed;
    },
  };
}
