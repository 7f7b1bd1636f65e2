/** Memory that is allocated at once. A longer result comes in several chunks, whatever length is claimed. */
const MAX_CHUNK_BYTES = 1_048_576;

/** `node:zlib` does not take smaller chunks. */
const MIN_CHUNK_BYTES = 64;

/** Options that bound the result and ask for how much was read. */
export interface WholeOptions {
  readonly maxOutputLength: number;
  readonly chunkSize: number;
  readonly info: true;
}

/** The result of a function of `node:zlib` with the option `info`. */
export interface Unpacked {
  readonly buffer: Buffer;
  readonly engine: { readonly bytesWritten: number };
}

/**
 * Unpacks a stream that must be whole: it has an end, no bytes after it, and exactly the claimed length. More
 * than that length is never in memory.
 *
 * @param unpack a synchronous function of `node:zlib`, which refuses a stream without an end
 * @param length at least 1
 * @throws Error if the stream is not whole
 */
export function unpackWhole(
  unpack: (data: Uint8Array, options: WholeOptions) => Unpacked,
  data: Uint8Array,
  length: number,
): Buffer {
  const { buffer, engine } = unpack(data, {
    maxOutputLength: length,
    // One byte more, so that zlib sees in the same call that nothing is left.
    chunkSize: Math.max(MIN_CHUNK_BYTES, Math.min(length + 1, MAX_CHUNK_BYTES)),
    info: true,
  });
  checkWhole({ read: engine.bytesWritten, of: data.byteLength, given: buffer.byteLength, length });
  return buffer;
}

/** How much of a stream was read and given, and how much there should be. */
interface Extent {
  readonly read: number;
  readonly of: number;
  readonly given: number;
  readonly length: number;
}

/** @throws Error if bytes come after the end of a stream, or its content has another length */
export function checkWhole({ read, of, given, length }: Extent): void {
  if (given !== length) throw new Error(`it has ${given} bytes unpacked instead of ${length}`);
  if (read !== of) throw new Error(`${of - read} bytes come after its end`);
}
