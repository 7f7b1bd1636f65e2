// Not by name: see check-node.ts.
import zlib from "node:zlib";
import { unsupportedRuntime } from "../../errors/unsupported-runtime.ts";
import { getRawDeflate } from "./raw-deflate.ts";

/** What this package needs of `node:zlib` beside raw deflate. */
export type Zstd = Pick<typeof zlib, "zstdCompressSync" | "zstdDecompressSync">;

let isChecked = false;

/**
 * Checks, once in a process, that this runtime packs and unpacks as others do: what it stores they
 * must be able to read, and what they have stored must not look damaged to it. Takes about
 * 2 ms, and is to be done before anything is read or written.
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
    // What it says of healthy data would lead astray.
  }
  throw unsupportedRuntime("does not give back what zstd has packed");
}
