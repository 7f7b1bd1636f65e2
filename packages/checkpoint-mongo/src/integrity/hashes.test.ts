import { createHash, createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { KeyRing } from "../keys/key-ring.ts";
import { hashAddress, Hasher, type HashedCheckpoint, type HashedWriteSet } from "./hashes.ts";

const address = { threadId: "thread", checkpointNs: "", checkpointId: "1f0é" };
const writeSet: HashedWriteSet = {
  keyName: undefined,
  epoch: 0,
  address,
  taskId: "task",
  taskPath: "",
  place: -3,
  writes: [{ index: -3, channel: "a", type: undefined, value: Buffer.from("[1]") }],
};
const checkpoint: HashedCheckpoint = {
  keyName: undefined,
  epoch: 0,
  address,
  parentCheckpointId: "1ef",
  parentHash: Buffer.alloc(32, 7),
  order: 12,
  body: Buffer.from("{}\n[]"),
  segments: new Uint8Array(),
  metadataType: undefined,
  origin: { runId: undefined, config: [] },
  metadata: Buffer.from("{}"),
};

/** What is hashed: whoever changes it makes unreadable what was stored before. */
const canonical = {
  address: "threadkeep:address\ns6\nthreads0\ns5\n1f0é",
  writes: "threadkeep:writes\ns6\nthreads0\ns5\n1f0és4\ntaskn-3\nn-3\ns1\na-\nb3\n[1]",
  writesWithPath:
    "threadkeep:writes with path\ns6\nthreads0\ns5\n1f0és4\ntaskn-3\ns5\n~a, bn-3\ns1\na-\nb3\n[1]",
  checkpoint:
    `threadkeep:checkpoint\ns6\nthreads0\ns5\n1f0és3\n1efb32\n${"\u0007".repeat(32)}n12\n` +
    "b5\n{}\n[]b0\n-\nb2\n{}",
  checkpointWithOrigin:
    `threadkeep:checkpoint with origin\ns6\nthreads0\ns5\n1f0és3\n1efb32\n${"\u0007".repeat(32)}n12\n` +
    "b5\n{}\n[]b0\n-\nb2\n{}s3\nruns3\na:b",
  cut: `threadkeep:cut\ns6\nthreads0\ns5\n1f0éb32\n${"\u0007".repeat(32)}`,
  pruned: "threadkeep:pruned\ns6\nthreads0\ns5\n1f0én12\nn9\n",
};

/** A run and a field of its config. */
const origin = { runId: "run", config: ["a:b"] };
const mark = { keyName: undefined, epoch: 0, address };

describe("hashes", () => {
  it("are the SHA-256 of each field with its kind and its length in bytes", async () => {
    const hasher = new Hasher(new KeyRing(undefined));
    expect(hashAddress(address)).toEqual(sha256(canonical.address).subarray(0, 16));
    expect(await hasher.hashWriteSet(writeSet)).toEqual(sha256(canonical.writes));
    const withPath = { ...writeSet, taskPath: "~a, b" };
    expect(await hasher.hashWriteSet(withPath)).toEqual(sha256(canonical.writesWithPath));
    expect(hasher.hashCheckpoint(checkpoint)).toEqual(sha256(canonical.checkpoint));
    const withOrigin = hasher.hashCheckpoint({ ...checkpoint, origin });
    expect(withOrigin).toEqual(sha256(canonical.checkpointWithOrigin));
    const cut = hasher.hashCut({ ...mark, hash: Buffer.alloc(32, 7) });
    expect(cut).toEqual(sha256(canonical.cut).subarray(0, 16));
    const pruned = hasher.hashPruned({ ...mark, seq: 12, through: 9 });
    expect(pruned).toEqual(sha256(canonical.pruned).subarray(0, 16));
  });

  it("are the HMAC of the same and of the key's name with a key, but for that of an address", async () => {
    const hasher = new Hasher(new KeyRing({ keys: { first: "a key" }, currentKeyId: "first" }));
    const { keyName } = hasher;
    expect(keyName).toBe(`first:${fingerprintOf("a key")}`);
    const hmac = (text: string) =>
      createHmac("sha256", "a key")
        .update(text.replace("\n", ` with key\ns${keyName!.length}\n${keyName}`))
        .digest();
    expect(await hasher.hashWriteSet({ ...writeSet, keyName })).toEqual(hmac(canonical.writes));
    const withPath = { ...writeSet, taskPath: "~a, b", keyName };
    expect(await hasher.hashWriteSet(withPath)).toEqual(hmac(canonical.writesWithPath));
    expect(hasher.hashCheckpoint({ ...checkpoint, keyName })).toEqual(hmac(canonical.checkpoint));
  });

  it("tell fields apart that make the same text one after the other", async () => {
    const hasher = new Hasher(new KeyRing(undefined));
    const write = writeSet.writes[0]!;
    const others: HashedWriteSet[] = [
      { ...writeSet, taskId: "tas", writes: [{ ...write, channel: "ka" }] },
      { ...writeSet, place: 0 },
      { ...writeSet, taskPath: "a" },
      { ...writeSet, epoch: 1 },
      { ...writeSet, writes: [{ ...write, type: "" }] },
      { ...writeSet, writes: [{ ...write, channel: "a-\n" }] },
      { ...writeSet, address: { ...address, threadId: "threa", checkpointNs: "d" } },
    ];
    const hashes: string[] = [];
    for (const set of [writeSet, ...others]) {
      hashes.push(Buffer.from(await hasher.hashWriteSet(set)).toString("hex"));
    }
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

/** As documents keep it: whoever changes it makes them name keys that are not there. */
function fingerprintOf(key: string): string {
  const hmac = createHmac("sha256", key).update("threadkeep:key fingerprint\n").digest();
  return hmac.subarray(0, 6).toString("base64url");
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
