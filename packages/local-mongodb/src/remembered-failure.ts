import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

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
