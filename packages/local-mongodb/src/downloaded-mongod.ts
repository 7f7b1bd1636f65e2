import { fork } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DownloadOutcome } from "./downloaded-mongod-process.ts";
import type { Environment, Finding } from "./environment.ts";
import { mongodProgram } from "./mongod.ts";

/** How long a failed download is not tried again. */
const FAILURE_VALID_MS = 60 * 60_000;
/** How long the download may be silent. While bytes arrive it reports every two seconds. */
const SILENCE_LIMIT_MS = 20_000;
/** How long the whole download may take: about 100 MB come down the line. */
const TOTAL_LIMIT_MS = 180_000;

export interface DownloadLimits {
  /**
   * Try even if a download failed a short while ago.
   *
   * @default false
   */
  readonly ignoreRememberedFailure?: boolean;
  /** Milliseconds without any sign of progress after which the download is given up. */
  readonly silenceLimitMs?: number;
}

/**
 * The mongod that `mongodb-memory-server` has downloaded or downloads now. It reads the `MONGOMS_*`
 * variables, `MONGOMS_VERSION` for one. A failed download is remembered for an hour.
 *
 * @throws Error if the download fails, stalls or takes too long
 */
export async function findDownloadedMongod(
  environment: Environment,
  limits: DownloadLimits = {},
): Promise<Finding> {
  const failure = new RememberedFailure(
    join(environment.cacheDirectory, "mongod-download-failed"),
    FAILURE_VALID_MS,
  );
  const remembered = limits.ignoreRememberedFailure ? undefined : await failure.recall();
  if (remembered !== undefined) {
    const { reason, minutesAgo } = remembered;
    return { absent: `its download failed ${minutesAgo} minutes ago (${reason})` };
  }
  const outcome = await download(environment, limits.silenceLimitMs ?? SILENCE_LIMIT_MS);
  if ("failure" in outcome) {
    const reason = outcome.failure.replaceAll(/\s+/g, " ");
    await failure.remember(reason);
    throw new Error(reason);
  }
  await failure.forget();
  return {
    program: mongodProgram(outcome.path, `mongod from mongodb-memory-server (${outcome.path})`),
  };
}

function download(environment: Environment, silenceLimitMs: number): Promise<DownloadOutcome> {
  const { MONGOMS_SYSTEM_BINARY: _ownWay, ...variables } = environment.variables;
  const program = fileURLToPath(new URL("downloaded-mongod-process.ts", import.meta.url));
  const child = fork(program, [], {
    execArgv: [],
    // Its retries wait several seconds each, and there is another way to try.
    env: { MONGOMS_MAX_RETRIES: "1", ...variables },
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  return new Promise((resolve) => {
    const settle = (outcome: DownloadOutcome): void => {
      clearTimeout(totalTimer);
      clearTimeout(silenceTimer);
      child.kill("SIGKILL");
      resolve(outcome);
    };
    const giveUp = (what: string) => (): void =>
      settle({ failure: `the download of mongod ${what} and was given up` });
    const totalTimer = setTimeout(
      giveUp(`was not done after ${TOTAL_LIMIT_MS / 1000} s`),
      TOTAL_LIMIT_MS,
    );
    const silenceTimer = setTimeout(
      giveUp(`made no progress for ${silenceLimitMs / 1000} s`),
      silenceLimitMs,
    );
    child.on("message", (outcome) => settle(outcome as DownloadOutcome));
    child.on("error", (error) => settle({ failure: error.message }));
    child.on("close", (code) => settle({ failure: `the download ended with exit code ${code}` }));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        silenceTimer.refresh();
        for (const line of text.split(/[\r\n]+/)) if (line.trim()) environment.log(line.trim());
      });
    }
  });
}

const RECORD = /^(?<failedAtMs>\d+) (?<reason>.*)$/s;

/** A failure worth not repeating for a while, kept in a file so that later processes know of it. */
export class RememberedFailure {
  readonly #path: string;
  readonly #validMs: number;

  constructor(path: string, validMs: number) {
    this.#path = path;
    this.#validMs = validMs;
  }

  /** The failure, if it is recent enough to count. */
  async recall(): Promise<{ reason: string; minutesAgo: number } | undefined> {
    const text = await readFile(this.#path, "utf8").catch(() => "");
    const { failedAtMs, reason } = RECORD.exec(text)?.groups ?? {};
    if (failedAtMs === undefined || reason === undefined) return undefined;
    const ageMs = Date.now() - Number(failedAtMs);
    // A failure from the future means that the clock was set: then its age says nothing.
    if (ageMs < 0 || ageMs > this.#validMs) return undefined;
    return { reason, minutesAgo: Math.floor(ageMs / 60_000) };
  }

  async remember(reason: string): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true });
    await writeFile(this.#path, `${Date.now()} ${reason}`);
  }

  async forget(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
