/** A larger result comes in several chunks: however long it is said to be, no more is asked for at once. */
const MAX_CHUNK_BYTES = 1_048_576;

/** No smaller chunk is taken by `node:zlib`. */
const MIN_CHUNK_BYTES = 64;

/** What bounds the result, and asks how much was read for it. */
export interface WholeOptions {
  readonly maxOutputLength: number;
  readonly chunkSize: number;
  readonly info: true;
}

/** What a function of `node:zlib` gives with the option `info`. */
export interface Unpacked {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/**
 * Unpacks a stream that must be whole: it ends, nothing comes after its end, and what comes out has
 * just the length that it is said to have. More than that is never in memory.
 *
 * @param unpack a synchronous function of `node:zlib`, which refuses a stream without an end
 * @param length at least 1
 * @throws Error if it is not so
 */
export function unpackWhole(
  unpack: (data: Uint8Array, options: WholeOptions) => Unpacked,
  data: Uint8Array,
  length: number,
): Buffer {
  const { buffer, engine } = unpack(data, {
    maxOutputLength: length,
    // One byte more, so that it is seen at once that nothing is left.
    chunkSize: Math.max(MIN_CHUNK_BYTES, Math.min(length + 1, MAX_CHUNK_BYTES)),
    info: true,
  });
  checkWhole({ read: engine.bytesWritten, of: data.byteLength, given: buffer.byteLength, length });
  return buffer;
}

/** What a stream had, and what it should have had. */
interface Extent {
  readonly read: number;
  readonly of: number;
  readonly given: number;
  readonly length: number;
}

/** @throws Error if a stream was not all that was given, or not as long as it was said to be */
export function checkWhole({ read, of, given, length }: Extent): void {
  if (given !== length) throw new Error(`it has ${given} bytes unpacked instead of ${length}`);
  if (read !== of) throw new Error(`${of - read} bytes come after its end`);
}
