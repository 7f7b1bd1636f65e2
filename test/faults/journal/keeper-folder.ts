import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for keepers, which end with it. */
export class KeeperFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async create(): Promise<KeeperFolder> {
    return new KeeperFolder(await mkdtemp(join(tmpdir(), "keeper-")));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of await readdir(this.path)) {
      if (!name.endsWith(".json")) continue;
      const { pid } = JSON.parse(await readFile(join(this.path, name), "utf8")) as { pid: number };
      process.kill(pid);
    }
    await rm(this.path, { recursive: true, force: true, maxRetries: 3 });
  }
}
