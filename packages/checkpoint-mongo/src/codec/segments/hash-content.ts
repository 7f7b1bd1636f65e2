// Not by name: see check-node.ts.
import crypto from "node:crypto";
import { toContentHash, type ContentHash } from "../../documents/segment-id.ts";
import { breather } from "../../event-loop/breather.ts";

/** Longer content is hashed in slices of this size. */
const SLICE_BYTES = 1_048_576;

/** The hash that names some content. */
export function hashContent(content: Uint8Array): ContentHash {
  return toContentHash(crypto.hash("sha256", content, "hex"));
}

/** Like {@link hashContent}; a promise if the content is so large that it is hashed in pieces. */
export function hashInPieces(content: Uint8Array): ContentHash | Promise<ContentHash> {
  return content.byteLength <= SLICE_BYTES ? hashContent(content) : hashSlices(content);
}

async function hashSlices(content: Uint8Array): Promise<ContentHash> {
  const hash = crypto.createHash("sha256");
  for (let start = 0; start < content.byteLength; start += SLICE_BYTES) {
    hash.update(content.subarray(start, start + SLICE_BYTES));
    if (breather.isDue(SLICE_BYTES)) await breather.rest();
  }
  return toContentHash(hash.digest("hex"));
}
