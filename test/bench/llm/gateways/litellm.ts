import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Contender, ContenderSettings, Entrant } from "../contenders/contender.ts";
import { createGatewayClient } from "./gateway-client.ts";
import { findFreePort } from "../../../../packages/local-mongodb/src/mongod.ts";
import { startChildServer } from "./child-server.ts";
import { installOnce, runStep } from "./install-once.ts";

const VERSION = "1.108.0";
const BIN = process.platform === "win32" ? "Scripts" : "bin";

function install(): Promise<string> {
  return installOnce(`litellm-${VERSION}`, async (directory) => {
    const python = process.platform === "win32" ? "python" : "python3";
    await runStep(python, "-m", "venv", directory);
    await runStep(
      join(directory, BIN, "python"),
      "-m",
      "pip",
      "install",
      "--quiet",
      "--disable-pip-version-check",
      `litellm[proxy]==${VERSION}`,
    );
  });
}

/**
 * Retries, fallbacks, time limits and cooldowns as https://docs.litellm.ai/docs/proxy/reliability sets
 * them together. Only the time limit is the one that all contenders have.
 */
function configure({ backup, baseURL, primary, timeoutMs }: ContenderSettings): object {
  return {
    model_list: [primary, backup].map((model) => ({
      model_name: model,
      litellm_params: { model: `openai/${model}`, api_base: baseURL, api_key: "none" },
    })),
    litellm_settings: {
      num_retries: 3,
      request_timeout: timeoutMs / 1000,
      fallbacks: [{ [primary]: [backup] }],
      context_window_fallbacks: [{ [primary]: [backup] }],
      allowed_fails: 3,
      cooldown_time: 30,
    },
  };
}

async function start(settings: ContenderSettings): Promise<Contender> {
  const port = await findFreePort();
  const root = await install();
  const directory = await mkdtemp(join(tmpdir(), "threadkeep-litellm-"));
  const config = join(directory, "config.yaml");
  // JSON is YAML too.
  await writeFile(config, JSON.stringify(configure(settings)));
  // It does not start without one.
  const key = `sk-${randomBytes(24).toString("hex")}`;
  const server = await startChildServer({
    name: "LiteLLM",
    command: join(root, BIN, "python"),
    // Its script names the directory in which it was installed, which has another name by now.
    args: [
      join(root, BIN, "litellm"),
      `--config=${config}`,
      "--host=127.0.0.1",
      `--port=${port}`,
      "--telemetry=False",
    ],
    environment: {
      LITELLM_LOCAL_MODEL_COST_MAP: "True",
      LITELLM_LOG: "ERROR",
      LITELLM_MASTER_KEY: key,
    },
    readyUrl: `http://127.0.0.1:${port}/health/liveliness`,
  });
  const ask = createGatewayClient(`http://127.0.0.1:${port}/v1`, settings.primary, { apiKey: key });
  return {
    ask,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** LiteLLM's proxy, in front of ChatOpenAI. */
export const LITELLM: Entrant = {
  name: `LiteLLM's proxy ${VERSION}`,
  id: "litellm",
  prepare: async () => void (await install()),
  runsAlone: true,
  start,
};
