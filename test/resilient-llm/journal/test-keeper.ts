import type { KeeperOptions } from "@threadkeep/resilient-llm";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";

/** What a keeper's address file says. */
export interface Address {
  readonly listen: string;
  readonly token: string;
  readonly pid: number;
}

/** A folder for keepers of a test, which end with it. */
export class TestKeeper {
  readonly options: KeeperOptions & { readonly folder: string };

  private constructor(options: KeeperOptions & { readonly folder: string }) {
    this.options = options;
  }

  static async open(options: KeeperOptions = {}): Promise<TestKeeper> {
    const folder = await mkdtemp(join(tmpdir(), "keeper-"));
    const keeper = new TestKeeper({ ...options, folder });
    onTestFinished(async () => {
      await keeper.end("SIGTERM");
      await rm(folder, { recursive: true, force: true });
    });
    return keeper;
  }

  /** The names of the files in the folder that end so. */
  async list(ending = ""): Promise<string[]> {
    return (await readdir(this.options.folder)).filter((name) => name.endsWith(ending));
  }

  /** Where the keepers say that they are. */
  async readAddresses(): Promise<Address[]> {
    const files = await this.list(".json");
    return Promise.all(
      files.map(async (name) => {
        const text = await readFile(join(this.options.folder, name), "utf8");
        return JSON.parse(text) as Address;
      }),
    );
  }

  /** Ends the keepers, and waits until they have ended. */
  async end(signal: NodeJS.Signals): Promise<void> {
    for (const { pid } of await this.readAddresses()) {
      if (isRunning(pid)) process.kill(pid, signal);
      while (isRunning(pid)) await sleep(5);
    }
  }
}

/** Whether there is such a process. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
