/**
 * A worker for `llm-overhead`: an OpenAI-compatible server on a thread of its own. Answers at once, or
 * after the milliseconds that the path begins with: `/50/v1`.
 */
import { setTimeout as delay } from "node:timers/promises";
import { parentPort } from "node:worker_threads";
import { FaultServer } from "../../resilient-llm/testing/fault-server.ts";
import { answer } from "../../resilient-llm/testing/replies.ts";

const reply = answer("The quick brown fox jumps over the lazy dog.");
const server = await FaultServer.start(async (response, request) => {
  const delayMs = Number(/^\/(\d+)\//.exec(response.req.url ?? "")?.[1] ?? 0);
  if (delayMs > 0) await delay(delayMs);
  await reply(response, request);
});
// Kept requests would grow without bound.
setInterval(() => server.requests.splice(0), 1000).unref();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
parentPort?.postMessage(`http://127.0.0.1:${server.port}`);
