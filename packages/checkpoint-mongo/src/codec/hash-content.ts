// Not by name: see check-node.ts.
import crypto from "node:crypto";
import { toContentHash, type ContentHash } from "../documents/index.ts";

/** The hash by which content is named. */
export function hashContent(content: Uint8Array): ContentHash {
  return toContentHash(crypto.hash("sha256", content, "hex"));
}
