/** A worker for `llm-overhead`: an OpenAI-compatible server that answers at once, on a thread of its own. */
import { parentPort } from "node:worker_threads";
import { FaultServer } from "../../packages/resilient-llm/src/testing/fault-server.ts";
import { answer } from "../../packages/resilient-llm/src/testing/replies.ts";

const server = await FaultServer.start(answer("The quick brown fox jumps over the lazy dog."));
// Kept requests would grow without bound.
setInterval(() => server.requests.splice(0), 1000).unref();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
parentPort?.postMessage(server.baseURL);
