// Not by name: see check-node.ts.
import crypto from "node:crypto";

/** What the keys of all copies of a thread begin with. A thread's id may have any characters, and be long. */
function prefixKeys(threadId: string): string {
  return `${crypto.hash("sha256", `threadkeep:archive\n${threadId}`).slice(0, 40)}/`;
}

/** A key that no other copy has. */
export function createKey(threadId: string): string {
  return `${prefixKeys(threadId)}${crypto.randomUUID()}`;
}
