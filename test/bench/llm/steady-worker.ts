/** A worker for `llm-journal`: a provider that answers at a steady pace, on a thread of its own. */
import { parentPort, workerData } from "node:worker_threads";
import { type Pace, SteadyProvider } from "../../faults/journal/steady-provider.ts";

const provider = await SteadyProvider.start(workerData as Pace);
// Kept requests would grow without bound.
setInterval(() => provider.log.splice(0), 1000).unref();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
parentPort?.postMessage(provider.baseURL);
