/** The program of a process that counts up, under a lease or with `concurrency: "reject"`, until it is stopped. */
import { MongoDBSaver, ThreadkeepError } from "@threadkeep/checkpoint-mongo";
import { MongoClient } from "mongodb";
import { once } from "node:events";
import { openSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../../checkpoint-mongo/differential/random.ts";
import {
  makeCheckpoint,
  putCheckpoint,
  threadConfig,
} from "../../checkpoint-mongo/make-checkpoint.ts";
import { readClock } from "../history/recorder.ts";
import {
  ENDED,
  HOLDS,
  LEASE_TTL_MS,
  LEASED,
  READY,
  REJECTING,
  STOP,
  type Counted,
  type LeaseLine,
  type LeaseOrder,
} from "./lease-order.ts";
import { setClockAhead } from "./set-clock-ahead.ts";

/** How long the work under a lease takes at most, beside its reads and puts. */
const MAX_WORK_MS = 120;

process.on("disconnect", () => process.exit(1));
const [order] = (await once(process, "message")) as [LeaseOrder];
setClockAhead(order.clockAheadMs);
const stop = new AbortController();
process.on("message", (message) => {
  if (message === STOP) stop.abort();
});
const random = new Random(order.seed);
const client = new MongoClient(order.uri);
const { dbName } = order;
// Short, so that a half-open connection does not hold up a lease for long.
const operationTimeoutMs = 2_000;
const leasing = new MongoDBSaver({ client, dbName, operationTimeoutMs });
const rejecting = new MongoDBSaver({
  client,
  dbName,
  operationTimeoutMs,
  concurrency: "reject",
});
const file = openSync(order.file, "a");
process.send?.(READY);
for (let number = 1; !stop.signal.aborted; number += 1) {
  const by = `${order.process}/${number}`;
  const isLeased = random.between(0, 3) > 0;
  write({ begun: by, thread: isLeased ? LEASED : REJECTING, atMs: readClock() });
  try {
    await (isLeased ? countUnderLease(by) : countUp(rejecting, REJECTING, by, 0));
    write({ done: by, atMs: readClock() });
  } catch (error) {
    const code = ThreadkeepError.isInstance(error) ? error.code : null;
    write({ failed: by, atMs: readClock(), code, message: String(error) });
  }
  process.send?.(ENDED);
}
process.exit(0);

function countUnderLease(by: string): Promise<void> {
  return leasing.withLease(
    LEASED,
    async ({ token }) => {
      process.send?.(HOLDS);
      await sleep(random.between(0, MAX_WORK_MS));
      await countUp(leasing, LEASED, by, token);
    },
    { ttlMs: LEASE_TTL_MS, waitMs: 20_000 },
  );
}

async function countUp(
  saver: MongoDBSaver,
  threadId: string,
  by: string,
  token: number,
): Promise<void> {
  const config = threadConfig(threadId);
  const tuple = await saver.getTuple(config);
  const former = tuple?.checkpoint.channel_values["counted"] as Counted | undefined;
  const count = (former?.count ?? 0) + 1;
  const counted: Counted = { count, by, token };
  await putCheckpoint(
    saver,
    tuple?.config ?? config,
    makeCheckpoint({ counted }, { versions: { counted: count } }),
  );
}

function write(line: LeaseLine): void {
  writeSync(file, `${JSON.stringify(line)}\n`);
}
