/** Bytes that are taken in pieces of other sizes than those in which they come. */
export interface TakenBytes {
  /** The next bytes, which stay: fewer only at the end. */
  peek(length: number): Promise<Uint8Array>;
  /** The next bytes; undefined if there are fewer. */
  take(length: number): Promise<Uint8Array | undefined>;
  /** The bytes before the next one of a value, which is left out; undefined if it does not come soon enough. */
  until(value: number, maxBytes: number): Promise<Uint8Array | undefined>;
  /** All that is left, as it comes. */
  rest(): AsyncGenerator<Uint8Array>;
  /** Lets go of the source. */
  close(): Promise<void>;
}

/** Takes bytes off a source. */
export function takeBytes(source: AsyncIterable<Uint8Array>): TakenBytes {
  const chunks = source[Symbol.asyncIterator]();
  let held: Uint8Array = new Uint8Array();
  const read = async (): Promise<Uint8Array | undefined> => {
    const next = await chunks.next();
    return next.done === true ? undefined : next.value;
  };
  const hold = async (length: number): Promise<void> => {
    if (held.byteLength >= length) return;
    const parts = [held];
    for (let size = held.byteLength; size < length;) {
      const next = await read();
      if (next === undefined) break;
      // The chunk may be used again by whoever gave it.
      parts.push(Buffer.from(next));
      size += next.byteLength;
    }
    held = Buffer.concat(parts);
  };
  const drop = (length: number): Uint8Array => {
    const taken = held.subarray(0, length);
    held = held.subarray(length);
    return taken;
  };
  return {
    async peek(length) {
      await hold(length);
      return held.subarray(0, length);
    },
    async take(length) {
      await hold(length);
      return held.byteLength < length ? undefined : drop(length);
    },
    async until(value, maxBytes) {
      for (let length = 1_024; ; length *= 2) {
        await hold(length);
        const at = held.indexOf(value);
        if (at !== -1) {
          const taken = drop(at);
          drop(1);
          return taken;
        }
        if (held.byteLength < length || length >= maxBytes) return undefined;
      }
    },
    async *rest() {
      if (held.byteLength > 0) yield drop(held.byteLength);
      for (;;) {
        const next = await read();
        if (next === undefined) return;
        yield next;
      }
    },
    async close() {
      await chunks.return?.(undefined);
    },
  };
}
