import { pipeline, Readable, type Transform } from "node:stream";
// Not by name: see check-node.ts.
import zlib from "node:zlib";
import { InvalidArchiveError } from "../errors/invalid-archive-error.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";

/** How an archive is compressed. */
export type ArchiveCompression = "none" | "gzip" | "zstd";

/** What compressed archives begin with. */
const GZIP_MAGIC = [0x1f, 0x8b] as const;
const ZSTD_MAGIC = [0x28, 0xb5, 0x2f, 0xfd] as const;

/** Whether this runtime has zstd. Node.js has it; others may not. */
export function hasZstd(): boolean {
  return (
    typeof zlib.createZstdCompress === "function" && typeof zlib.createZstdDecompress === "function"
  );
}

/**
 * Checks that this runtime can compress in a way.
 *
 * @throws InvalidOptionsError if it cannot
 */
export function checkCompression(owner: string, compression: ArchiveCompression): void {
  if (compression !== "zstd" || hasZstd()) return;
  throw new InvalidOptionsError(
    `Invalid options of ${owner}:\n  compression: expected "none" or "gzip", since this runtime's node:zlib has ` +
      'no zstd, got "zstd"',
  );
}

/** Compresses an archive. */
export function compress(
  chunks: AsyncIterable<Uint8Array>,
  compression: ArchiveCompression,
): AsyncIterable<Uint8Array> {
  if (compression === "none") return chunks;
  return through(chunks, compression === "gzip" ? zlib.createGzip() : zlib.createZstdCompress());
}

/**
 * Unpacks an archive, however it is compressed.
 *
 * @throws InvalidArchiveError if it is not as it was compressed, or this runtime lacks zstd
 */
export async function* decompress(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  try {
    // As many bytes as tell how it is compressed.
    let first = Buffer.alloc(0);
    while (first.byteLength < ZSTD_MAGIC.length) {
      const next = await chunks.next();
      if (next.done === true) break;
      first = Buffer.concat([first, toBuffer(next.value)]);
    }
    const unpacker = chooseUnpacker(first);
    const whole = join(first, chunks);
    yield* unpacker === undefined ? whole : through(whole, unpacker);
  } catch (error) {
    const { code } = error as { readonly code?: unknown };
    const isOfZlib = typeof code === "string" && /^(?:Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB)/.test(code);
    if (!isOfZlib) throw error;
    throw new InvalidArchiveError("its compression is damaged, or it was cut short", undefined, {
      cause: error,
    });
  } finally {
    await chunks.return?.();
  }
}

function chooseUnpacker(first: Uint8Array): Transform | undefined {
  if (beginsWith(first, GZIP_MAGIC)) return zlib.createGunzip();
  if (!beginsWith(first, ZSTD_MAGIC)) return undefined;
  if (hasZstd()) return zlib.createZstdDecompress();
  throw new InvalidArchiveError(
    "it is compressed with zstd, which this runtime's node:zlib does not have (unpack it with the command zstd)",
  );
}

function beginsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

async function* join(
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (first.byteLength > 0) yield first;
  for (;;) {
    const next = await rest.next();
    if (next.done === true) return;
    yield toBuffer(next.value);
  }
}

/** What a stream gives may be text. */
function toBuffer(chunk: unknown): Buffer {
  if (typeof chunk === "string") return Buffer.from(chunk);
  if (chunk instanceof Uint8Array) return Buffer.from(chunk);
  throw new InvalidArchiveError(`it gives values of type ${typeof chunk} in place of bytes`);
}

/** Leads bytes through a stream. If either fails, both end. */
function through(
  chunks: AsyncIterable<Uint8Array>,
  transform: Transform,
): AsyncIterable<Uint8Array> {
  // Whoever reads the last stream gets the error.
  pipeline(Readable.from(chunks), transform, () => undefined);
  return transform as AsyncIterable<Uint8Array>;
}
