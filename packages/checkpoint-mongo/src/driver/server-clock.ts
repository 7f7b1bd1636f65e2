import type { Db } from "mongodb";
import { PerClient } from "./per-client.ts";
import { readErrorCode } from "./server-errors.ts";

/** Clocks of this process, in milliseconds. */
export interface LocalClocks {
  /** Never goes back, but may stand still while the machine sleeps. */
  monotonicMs(): number;
  /** The time of day. It may be set at any moment. */
  wallMs(): number;
}

/** One reading of the server's clock. */
interface Reading {
  /** The server's time minus the monotonic clock. */
  readonly offsetMs: number;
  /** The largest possible error: half of the round trip. */
  readonly errorMs: number;
  readonly takenMs: number;
  /** The wall clock minus the monotonic clock. */
  readonly wallAheadMs: number;
}

/** An older reading is renewed: clocks drift apart, and a server's may be set. */
const MAX_AGE_MS = 10 * 60 * 1_000;

/** If the two local clocks drift further apart, one was set or the machine has slept. */
const MAX_JUMP_MS = 1_000;

/** The first time, the server is asked so often: the shortest round trip is the most exact. */
const FIRST_READINGS = 2;

const COMMAND_NOT_FOUND = 59;

/**
 * The server's clock, by which everything expires, whatever the clock of this process says. It is asked once
 * and then computed from the local monotonic clock. Before something is taken for expired, {@link ask} asks
 * the server.
 */
export class ServerClock {
  readonly #local: LocalClocks;
  #reading: Reading | undefined;
  #underWay: Promise<unknown> | undefined;

  constructor(local: LocalClocks = PROCESS_CLOCKS) {
    this.#local = local;
  }

  /**
   * About the server's time, without asking the server.
   *
   * @throws Error before the first {@link sync}
   */
  nowMs(): number {
    if (this.#reading === undefined) throw new Error("The server has not been asked for its time.");
    return this.#local.monotonicMs() + this.#reading.offsetMs;
  }

  /** Makes sure that {@link nowMs} is reliable. Sends a command now and then. */
  async sync(db: Db): Promise<void> {
    const held = this.#reading;
    if (held !== undefined && !this.#isOld(held) && !this.#isDoubtful(held)) return;
    this.#underWay ??= this.#read(db).finally(() => {
      this.#underWay = undefined;
    });
    try {
      await this.#underWay;
    } catch (error) {
      // An old reading is still good enough.
      if (held === undefined || this.#isDoubtful(held)) throw error;
    }
  }

  /** Asks the server for its time. That time has certainly passed. */
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

  /** Of two readings that agree, the more exact one is kept. */
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

/** The clock of the server that a client is connected to. All users of the client share it. */
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
