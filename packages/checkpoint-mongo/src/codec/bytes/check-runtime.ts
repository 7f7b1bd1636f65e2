// Not by name: see check-node.ts.
import zlib from "node:zlib";
import { unsupportedRuntime } from "../../errors/unsupported-runtime.ts";
import { getRawDeflate } from "./raw-deflate.ts";

/** The functions of `node:zlib` that this package needs beside raw deflate. */
export type Zstd = Pick<typeof zlib, "zstdCompressSync" | "zstdDecompressSync">;

let isChecked = false;

/**
 * Checks, once in a process, that this runtime packs and unpacks as others do. Otherwise others could not
 * read what it stores, and healthy data would look damaged to it. Takes about 2 ms. Call it before
 * anything is read or written.
 *
 * @throws ThreadkeepError if it does not
 */
export function checkRuntime(): void {
  if (isChecked) return;
  getRawDeflate();
  checkZstd(zlib);
  isChecked = true;
}

/** A text and its zstd frame. */
const TEST = {
  content: Buffer.from("threadkeep ".repeat(8)),
  frame: Buffer.from("28b52ffd2058950000587468726561646b6565702001006ab47801", "hex"),
};

/** @throws ThreadkeepError if a runtime's zstd does not give back what was packed */
export function checkZstd({ zstdCompressSync, zstdDecompressSync }: Zstd): void {
  const { content, frame } = TEST;
  try {
    const isRight =
      zstdDecompressSync(frame).equals(content) &&
      zstdDecompressSync(zstdCompressSync(content)).equals(content);
    if (isRight) return;
  } catch {
    // Its own error would be misleading: the data is healthy.
  }
  throw unsupportedRuntime("does not give back what zstd has packed");
}
