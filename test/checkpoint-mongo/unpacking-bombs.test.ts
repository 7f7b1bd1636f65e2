import { MongoDBCache, type CacheEvent } from "@threadkeep/checkpoint-mongo";
import { Binary, type Document } from "mongodb";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { constants, deflateRawSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { makeCheckpoint, putCheckpoint, threadConfig } from "./make-checkpoint.ts";
import { asNewProcess } from "./new-process.ts";
import type { ReadOutcome } from "./read-memory.fixture.ts";
import { COLLECTION, useDatabase } from "./use-database.ts";

const database = useDatabase();
const MB = 1_024 * 1_024;
const MAX_CONTENT_BYTES = 32 * MB;

/** What a process may take beside what it takes anyway. */
const MAX_GROWTH_BYTES = 160 * MB;

const ZSTD = 0x80;
const DEFLATE = 0x81;

/** 10 GB of zeros as a zstd frame (RFC 8878): blocks of one byte that is repeated 131,072 times. */
const ZSTD_BOMB = ((): Buffer => {
  const blocks = 76_294;
  // No content size; a window of 128 kB.
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38]);
  const frame = Buffer.alloc(header.byteLength + 4 * blocks);
  header.copy(frame);
  for (let block = 0; block < blocks; block += 1) {
    const isLast = block === blocks - 1;
    frame.writeUIntLE(
      (131_072 << 3) | (1 << 1) | (isLast ? 1 : 0),
      header.byteLength + 4 * block,
      3,
    );
  }
  return frame;
})();

/** 4.2 GB of zeros as raw deflate. */
const DEFLATE_BOMB = ((): Buffer => {
  const part = deflateRawSync(Buffer.alloc(64 * MB), { finishFlush: constants.Z_FULL_FLUSH });
  return Buffer.concat([...Array.from({ length: 64 }, () => part), Buffer.from([3, 0])]);
})();

/** The plain lengths that a bomb may claim to have, given the one that would be right in its place. */
const CLAIMS: Record<string, (right: number) => number> = {
  "its own length": () => 10_000_000_000,
  "the right length": (right) => right,
  "as much as may be": () => MAX_CONTENT_BYTES,
  nothing: () => 0,
  "more than there are numbers": () => 2 ** 41,
};

/** Where bytes are unpacked; each gives what is written there. */
const PLACES: Record<
  string,
  { kind: string; forge: (document: Document, claim: Claim) => object }
> = {
  "a segment": { kind: "segment", forge: ({ data }, claim) => ({ data: bomb(claim, ZSTD, data) }) },
  "a deflated segment": {
    kind: "segment",
    forge: ({ data }, claim) => ({ data: bomb(claim, DEFLATE, data) }),
  },
  "what was appended": {
    kind: "segment",
    forge: ({ more }, claim) => ({ "more.0": bomb(claim, DEFLATE, (more as Binary[])[0]) }),
  },
  "a checkpoint's text": {
    kind: "checkpoint",
    forge: ({ body }, claim) => ({ body: bomb(claim, ZSTD, body) }),
  },
  "a deflated text": {
    kind: "checkpoint",
    forge: ({ body }, claim) => ({ body: bomb(claim, DEFLATE, body) }),
  },
  "a pending write": {
    kind: "writes",
    forge: ({ writes }, claim) => ({
      "writes.0.value": bomb(claim, ZSTD, (writes as Document[])[0]!["value"]),
    }),
  },
  "a deflated pending write": {
    kind: "writes",
    forge: ({ writes }, claim) => ({
      "writes.0.value": bomb(claim, DEFLATE, (writes as Document[])[0]!["value"]),
    }),
  },
};

type Claim = (right: number) => number;

describe("what unpacks to gigabytes", () => {
  let report: readonly ReadOutcome[];
  const cases = Object.keys(PLACES).flatMap((place) =>
    Object.keys(CLAIMS).map((claim) => ({ place, claim, threadId: `${place}: ${claim}` })),
  );

  beforeAll(async () => {
    for (const { place, claim, threadId } of cases) {
      await makeThread(threadId);
      await forge(threadId, PLACES[place]!, CLAIMS[claim]!);
    }
    await makeThread("as it should be");
    const threadIds = cases.map(({ threadId }) => threadId);
    report = await readInNewProcess(["as it should be", ...threadIds]);
  }, 120_000);

  it.each(cases)("in place of $place that claims $claim is named, and takes no memory", (tried) => {
    const [before] = report;
    expect(before!.outcomes).toEqual({
      getTuple: "done",
      list: "done",
      verifyThread: "done",
      put: "done",
    });
    const { outcomes, peakBytes } = report.find(({ threadId }) => threadId === tried.threadId)!;
    expect(outcomes).toEqual({
      getTuple: "CORRUPT_CHECKPOINT",
      list: "CORRUPT_CHECKPOINT",
      verifyThread: "damages",
      // What is new is stored again; a parent's text has to be read.
      put: tried.place.includes("text") ? "CORRUPT_CHECKPOINT" : "done",
    });
    expect(peakBytes - before!.peakBytes).toBeLessThan(MAX_GROWTH_BYTES);
  });
});

describe("content larger than maxContentBytes, even if it is undamaged", () => {
  it.each([
    ["a state", { state: "x".repeat(200 * MB) }, undefined, "CHECKPOINT_TOO_LARGE"],
    ["a state of many items", { list: makeItems(150) }, undefined, "CHECKPOINT_TOO_LARGE"],
    ["a pending write", {}, "x".repeat(200 * MB), "CORRUPT_CHECKPOINT"],
  ])(
    "%s is refused on reading, and takes no memory",
    async (what, state, written, code) => {
      const saver = database.openSaver();
      const checkpoint = makeCheckpoint(state, { id: "1" });
      const config = await putCheckpoint(saver, threadConfig(what), checkpoint);
      if (written !== undefined) await saver.putWrites(config, [["value", written]], "task");
      await makeThread(`beside ${what}`);
      const [before, found] = await readInNewProcess([`beside ${what}`, what]);
      expect(found!.outcomes).toMatchObject({ getTuple: code, list: code });
      expect(found!.peakBytes - before!.peakBytes).toBeLessThan(MAX_GROWTH_BYTES);
    },
    60_000,
  );

  it("a state is refused by put before anything is stored, naming its largest channels", async () => {
    const saver = database.openSaver({ maxContentBytes: 10_000 });
    const put = (state: Record<string, unknown>) =>
      putCheckpoint(saver, threadConfig("refused"), makeCheckpoint(state));
    const refusal = {
      code: "CHECKPOINT_TOO_LARGE",
      limitBytes: 10_000,
      message: expect.stringMatching(
        /10000 \(maxContentBytes\).*"large" .*Nothing was stored/,
      ) as string,
    };
    for (const large of ["x".repeat(10_001), ["漢".repeat(3_400)], { a: "x".repeat(11_000) }]) {
      await expect(put({ small: 1, large })).rejects.toMatchObject(refusal);
    }
    expect(await database.readAll("refused")).toEqual([]);
    await put({ large: "x".repeat(9_000) });
  });

  it("the same item counts as often as it occurs, even if it is stored once", async () => {
    const saver = database.openSaver({ maxContentBytes: 10_000 });
    const list = Array.from({ length: 20 }, () => "y".repeat(1_000));
    const put = (length: number) =>
      putCheckpoint(
        saver,
        threadConfig("repeated"),
        makeCheckpoint({ list: list.slice(0, length) }),
      );
    await put(9);
    await expect(put(20)).rejects.toMatchObject({ code: "CHECKPOINT_TOO_LARGE" });
  });

  it("pending writes are refused before anything is stored", async () => {
    const saver = database.openSaver({ maxContentBytes: 10_000 });
    const config = await putCheckpoint(saver, threadConfig("written"), makeCheckpoint({}));
    const halves = ["x".repeat(6_000), "y".repeat(6_000)].map(
      (half) => ["channel", half] as [string, string],
    );
    await expect(saver.putWrites(config, halves, "task")).rejects.toMatchObject({
      code: "CHECKPOINT_TOO_LARGE",
      message: expect.stringContaining("what task task wrote") as string,
    });
    expect((await saver.getTuple(config))!.pendingWrites).toEqual([]);
    await saver.putWrites(config, halves.slice(1), "task");
  });

  it("a value of the nodes' cache is neither stored nor read, and is reported", async () => {
    const events: CacheEvent[] = [];
    const open = (maxContentBytes?: number) =>
      new MongoDBCache<string>({
        client: asNewProcess(database.client),
        dbName: database.name,
        maxContentBytes,
        onEvent: (event) => events.push(event),
      });
    const key: [string[], string] = [["node"], "key"];
    const pair = { key, value: "x".repeat(5 * MB) };
    await open(MB).set([pair]);
    await open().set([pair]);
    expect(await open().get([key])).toHaveLength(1);
    expect(await open(MB).get([key])).toEqual([]);
    expect(events).toMatchObject([
      { type: "refused-entry", reason: expect.stringContaining("maxContentBytes") as string },
      { type: "unreadable-entry", reason: expect.stringContaining(`${MB}`) as string },
    ]);
  });
});

/** A list that was appended to once, so that it has a segment and an append, and a pending write. */
async function makeThread(threadId: string): Promise<void> {
  const saver = database.openSaver();
  let config = threadConfig(threadId);
  for (const [id, count] of [
    ["0", 1],
    ["1", 2],
  ] as const) {
    const list = Array.from({ length: count }, (_, index) => `item ${index} `.repeat(40));
    config = await putCheckpoint(
      saver,
      config,
      makeCheckpoint({ list }, { id, versions: { list: count } }),
    );
  }
  await saver.putWrites(config, [["value", "written ".repeat(50)]], "task");
}

async function forge(
  threadId: string,
  { kind, forge: change }: (typeof PLACES)[string],
  claim: Claim,
): Promise<void> {
  const documents = database.db.collection(COLLECTION);
  const filter = { thread_id: threadId, kind, ...(kind === "checkpoint" && { head: true }) };
  const document = await documents.findOne(filter);
  await documents.updateOne({ _id: document!._id }, { $set: change(document!, claim) });
}

function bomb(claim: Claim, subtype: number, original: unknown): Binary {
  const length = encodeNumber(claim(readNumber(original as Binary)));
  const stream = subtype === ZSTD ? ZSTD_BOMB : DEFLATE_BOMB;
  return new Binary(Buffer.concat([length, stream]), subtype);
}

function encodeNumber(number: number): Buffer {
  const bytes: number[] = [];
  let left = number;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  return Buffer.from([...bytes, left]);
}

function readNumber({ buffer }: Binary): number {
  let number = 0;
  for (const [index, byte] of buffer.entries()) {
    number += (byte & 0x7f) * 0x80 ** index;
    if (byte < 0x80) break;
  }
  return number;
}

/** So many items of a megabyte each. */
function makeItems(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index} `.repeat(MB / 4));
}

async function readInNewProcess(threadIds: readonly string[]): Promise<ReadOutcome[]> {
  const script = fileURLToPath(new URL("./read-memory.fixture.ts", import.meta.url));
  const argv = [
    "--conditions=@threadkeep/source",
    "--no-warnings",
    script,
    database.uri,
    database.name,
    JSON.stringify({ maxContentBytes: MAX_CONTENT_BYTES }),
    ...threadIds,
  ];
  // A process that continues for ever must not outlive the test.
  const { stdout } = await promisify(execFile)(process.execPath, argv, { timeout: 100_000 });
  return JSON.parse(stdout) as ReadOutcome[];
}
