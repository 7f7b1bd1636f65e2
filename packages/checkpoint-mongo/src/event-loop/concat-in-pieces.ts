import { breather } from "./breather.ts";

/** Joins chunks of bytes in a new buffer. A single chunk is returned as it is. */
export async function concatInPieces(chunks: readonly Uint8Array[]): Promise<Uint8Array> {
  if (chunks.length === 1) return chunks[0]!;
  let bytes = 0;
  for (const { byteLength } of chunks) bytes += byteLength;
  const all = Buffer.allocUnsafeSlow(bytes);
  let end = 0;
  for (const chunk of chunks) {
    all.set(chunk, end);
    end += chunk.byteLength;
    if (breather.isDue(chunk.byteLength)) await breather.rest();
  }
  return all;
}
