import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Contender, ContenderSettings, Entrant } from "../contenders/contender.ts";
import { createGatewayClient } from "./gateway-client.ts";
import { findFreePort } from "../../../../packages/local-mongodb/src/mongod.ts";
import { startChildServer } from "./child-server.ts";
import { installOnce, runStep } from "./install-once.ts";

const VERSION = "1.15.2";
/** The newest with which it works: with 1.14.2 and later each answer is a 500 (Portkey-AI/gateway#1389). */
const HONO_VERSION = "1.13.8";
const PRELOAD = fileURLToPath(new URL("listen-on-loopback.ts", import.meta.url));

function install(): Promise<string> {
  return installOnce(`portkey-gateway-${VERSION}-${HONO_VERSION}`, async (directory) => {
    const manifest = {
      private: true,
      dependencies: { "@portkey-ai/gateway": VERSION },
      overrides: { "@hono/node-server": HONO_VERSION },
    };
    await writeFile(join(directory, "package.json"), JSON.stringify(manifest));
    const flags = ["--ignore-scripts", "--no-audit", "--no-fund"];
    await runStep("npm", "install", "--prefix", directory, ...flags);
  });
}

/**
 * Retries and fallbacks as https://portkey.ai/docs/product/ai-gateway has them: five attempts after the
 * first, waits as long as the provider asks for, and the next target after any error.
 */
function configure({ backup, baseURL, primary, timeoutMs }: ContenderSettings): object {
  return {
    strategy: { mode: "fallback" },
    targets: [primary, backup].map((model) => ({
      provider: "openai",
      api_key: "none",
      custom_host: baseURL,
      override_params: { model },
      retry: { attempts: 5, use_retry_after_header: true },
      request_timeout: timeoutMs,
    })),
  };
}

async function start(settings: ContenderSettings): Promise<Contender> {
  const port = await findFreePort();
  const root = await install();
  const program = join(root, "node_modules/@portkey-ai/gateway/build/start-server.js");
  const server = await startChildServer({
    name: "Portkey's gateway",
    command: process.execPath,
    args: [`--import=${PRELOAD}`, program, `--port=${port}`, "--headless"],
    environment: { NODE_ENV: "production" },
    readyUrl: `http://127.0.0.1:${port}/`,
  });
  const headers = { "x-portkey-config": JSON.stringify(configure(settings)) };
  const ask = createGatewayClient(`http://127.0.0.1:${port}/v1`, settings.primary, { headers });
  return { ask, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** Portkey's open gateway, in front of ChatOpenAI. */
export const PORTKEY: Entrant = {
  name: `Portkey's gateway ${VERSION}`,
  id: "portkey",
  prepare: async () => void (await install()),
  runsAlone: true,
  start,
};
