import type { Db } from "mongodb";
import { PerClient } from "./per-client.ts";
import { readErrorCode } from "./server-errors.ts";

/** Clocks of this process, in milliseconds. */
export interface LocalClocks {
  /** Only ever goes forward, but may stand still while the machine sleeps. */
  monotonicMs(): number;
  /** What people take for the time. It may be set at any moment. */
  wallMs(): number;
}

/** What the server's clock said, once. */
interface Reading {
  /** What to add to the monotonic clock. */
  readonly offsetMs: number;
  /** It is wrong by so much at most: half of the round trip. */
  readonly errorMs: number;
  readonly takenMs: number;
  /** By how much the wall clock was ahead of the monotonic one. */
  readonly wallAheadMs: number;
}

/** Asks again after this time: clocks drift apart, and a server's may be set. */
const MAX_AGE_MS = 10 * 60 * 1_000;

/** If the two local clocks are further apart than they were, one was set or the machine has slept. */
const MAX_JUMP_MS = 1_000;

/** The first time, it is asked so often: the shortest round trip tells the most. */
const FIRST_READINGS = 2;

const COMMAND_NOT_FOUND = 59;

/**
 * The server's clock, by which everything expires that does, whatever the clock of this process says.
 * It is asked once, and then reckoned by the local monotonic clock. What must not be wrong, such as that
 * something has expired, is asked for by {@link ask}.
 */
export class ServerClock {
  readonly #local: LocalClocks;
  #reading: Reading | undefined;
  #underWay: Promise<unknown> | undefined;

  constructor(local: LocalClocks = PROCESS_CLOCKS) {
    this.#local = local;
  }

  /**
   * The server's time, about. It asks nobody.
   *
   * @throws Error before the first {@link sync}
   */
  nowMs(): number {
    if (this.#reading === undefined) throw new Error("The server has not been asked for its time.");
    return this.#local.monotonicMs() + this.#reading.offsetMs;
  }

  /** Sees to it that {@link nowMs} can be relied on: costs a command now and then. */
  async sync(db: Db): Promise<void> {
    const held = this.#reading;
    if (held !== undefined && !this.#isOld(held) && !this.#isDoubtful(held)) return;
    this.#underWay ??= this.#read(db).finally(() => {
      this.#underWay = undefined;
    });
    try {
      await this.#underWay;
    } catch (error) {
      // What is only old is still good enough.
      if (held === undefined || this.#isDoubtful(held)) throw error;
    }
  }

  /** Asks the server for its time: one that has passed for sure. */
  async ask(db: Db): Promise<number> {
    const startMs = this.#local.monotonicMs();
    const serverMs = await readServerTime(db);
    const endMs = this.#local.monotonicMs();
    this.#take({
      offsetMs: serverMs - (startMs + endMs) / 2,
      errorMs: (endMs - startMs) / 2,
      takenMs: endMs,
      wallAheadMs: this.#local.wallMs() - endMs,
    });
    return serverMs;
  }

  async #read(db: Db): Promise<void> {
    const times = this.#reading === undefined ? FIRST_READINGS : 1;
    for (let time = 0; time < times; time += 1) await this.ask(db);
  }

  #isOld({ takenMs }: Reading): boolean {
    return this.#local.monotonicMs() - takenMs > MAX_AGE_MS;
  }

  #isDoubtful({ wallAheadMs }: Reading): boolean {
    const aheadMs = this.#local.wallMs() - this.#local.monotonicMs();
    return Math.abs(aheadMs - wallAheadMs) > MAX_JUMP_MS;
  }

  /** Of two readings that agree, the more exact one holds. */
  #take(reading: Reading): void {
    const held = this.#reading;
    const agrees =
      held !== undefined &&
      !this.#isOld(held) &&
      !this.#isDoubtful(held) &&
      Math.abs(held.offsetMs - reading.offsetMs) <= held.errorMs + reading.errorMs;
    if (!agrees || reading.errorMs <= held.errorMs) this.#reading = reading;
  }
}

const PROCESS_CLOCKS: LocalClocks = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};

const clocks = new PerClient<ServerClock>();

/** The clock of the server that a client is connected to, for all that use the client. */
export function shareServerClock(client: object): ServerClock {
  return clocks.get(client, "", () => new ServerClock());
}

/** @throws Error if the server tells no time */
async function readServerTime(db: Db): Promise<number> {
  const { localTime } = await sayHello(db);
  if (localTime instanceof Date) return localTime.getTime();
  throw new Error("The server does not say what time it is: its reply to hello has no localTime.");
}

async function sayHello(db: Db): Promise<{ localTime?: unknown }> {
  const admin = db.admin();
  try {
    return await admin.command({ hello: 1 });
  } catch (error) {
    if (readErrorCode(error) !== COMMAND_NOT_FOUND) throw error;
    // Before MongoDB 4.4.2 it had another name.
    return await admin.command({ isMaster: 1 });
  }
}
