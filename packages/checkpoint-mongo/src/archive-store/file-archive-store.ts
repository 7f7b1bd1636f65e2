import { randomUUID } from "node:crypto";
import { createReadStream, type Dirent, type Stats } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { describeValue } from "../options/describe-value.ts";
import type { ArchivedObject, ArchiveStore } from "./archive-store.ts";

/** What a file is called that is not complete yet. */
const PARTIAL = /\.partial-[0-9a-f-]{36}$/;

/**
 * An archive store in a directory, for example a mounted volume. Each object is a file. A file appears under its
 * name when it is complete and flushed to the disk.
 *
 * @example
 * ```ts
 * const archive = new FileArchiveStore("/var/archive/threads");
 * const saver = new MongoDBSaver({ client, archive });
 * ```
 */
export class FileArchiveStore implements ArchiveStore {
  private readonly directory: string;

  /**
   * @param directory is made when it is first needed
   * @throws InvalidOptionsError if it is no path
   */
  constructor(directory: string) {
    if (typeof directory !== "string" || directory === "") {
      throw new InvalidOptionsError(
        `Invalid directory of FileArchiveStore: expected a path, got ${describeValue(directory)}.`,
      );
    }
    this.directory = resolve(directory);
  }

  /** Stores an object as a file. */
  async put(key: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    const path = this.locate(key);
    const partial = `${path}.partial-${randomUUID()}`;
    await mkdir(dirname(path), { recursive: true });
    try {
      const file = await open(partial, "wx");
      try {
        for await (const chunk of content) await file.writeFile(chunk);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(partial, path);
      await syncDirectory(dirname(path));
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }

  /** Reads the file of an object. */
  async get(key: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const stream = createReadStream(this.locate(key));
    try {
      await new Promise((done, fail) => {
        stream.once("open", done);
        stream.once("error", fail);
      });
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    return stream as AsyncIterable<Uint8Array>;
  }

  /** Removes the file of an object. */
  async delete(key: string): Promise<void> {
    const path = this.locate(key);
    await rm(path, { force: true });
    await syncDirectory(dirname(path));
  }

  /** Lists the files. What is not complete is left out. */
  async *list(prefix = ""): AsyncGenerator<ArchivedObject> {
    yield* this.walk("", prefix);
  }

  private async *walk(below: string, prefix: string): AsyncGenerator<ArchivedObject> {
    let entries: Dirent[];
    try {
      entries = await readdir(join(this.directory, below), { withFileTypes: true });
    } catch (error) {
      if (isMissing(error)) return;
      throw error;
    }
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const key = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) {
        const mayHold = prefix.startsWith(`${key}/`) || `${key}/`.startsWith(prefix);
        if (mayHold) yield* this.walk(key, prefix);
      } else if (entry.isFile() && key.startsWith(prefix) && !PARTIAL.test(key)) {
        const found = await statIfThere(join(this.directory, key));
        if (found !== undefined) yield { key, bytes: found.size, modifiedAt: found.mtime };
      }
    }
  }

  private locate(key: string): string {
    const isSafe = /^[\w.-]+(?:\/[\w.-]+)*$/.test(key) && !key.split("/").includes("..");
    if (!isSafe) {
      throw new InvalidOptionsError(
        "Invalid key of an archived object: expected letters, digits, -, _, . and / between them.",
      );
    }
    return join(this.directory, key);
  }
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** That a file has its name is in the directory, which is flushed by itself. */
async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, "r");
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (error) {
    // Not every system can open a directory, and it may not be there.
    const { code } = error as { readonly code?: unknown };
    if (!["EISDIR", "EPERM", "EACCES", "EINVAL", "ENOENT", "ENOTSUP"].includes(String(code))) {
      throw error;
    }
  }
}

function isMissing(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === "ENOENT";
}
