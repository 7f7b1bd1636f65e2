import type { Db } from "mongodb";
import { describe, expect, it } from "vitest";
import { ServerClock } from "./server-clock.ts";

const START_MS = 1_800_000_000_000;

/** A server, a process and the network between them, each with a time of its own. */
class World {
  serverMs = START_MS;
  monotonicMs = 5_000;
  wallMs: number;
  roundTripMs = 10;
  /** Commands the server was sent. */
  asked = 0;
  readonly clock: ServerClock;
  readonly db: Db;

  constructor(wallAheadMs = 0) {
    this.wallMs = START_MS + wallAheadMs;
    this.clock = new ServerClock({
      monotonicMs: () => this.monotonicMs,
      wallMs: () => this.wallMs,
    });
    const command = () => {
      this.asked += 1;
      this.pass(this.roundTripMs / 2);
      const localTime = new Date(this.serverMs);
      this.pass(this.roundTripMs / 2);
      return Promise.resolve({ localTime });
    };
    // It is asked for its time and nothing else.
    this.db = { admin: () => ({ command }) } as unknown as Db;
  }

  pass(ms: number): void {
    this.serverMs += ms;
    this.monotonicMs += ms;
    this.wallMs += ms;
  }

  /** By how much the clock is wrong. */
  async measureError(): Promise<number> {
    await this.clock.sync(this.db);
    return Math.abs(this.clock.nowMs() - this.serverMs);
  }
}

const HOUR_MS = 3_600_000;

describe("the server's clock", () => {
  it("that cannot be asked again is reckoned on, unless the process's own was set", async () => {
    const world = new World();
    expect(await world.measureError()).toBeLessThanOrEqual(1);
    const gone = { admin: () => ({ command: () => Promise.reject(new Error("gone")) }) };
    world.pass(HOUR_MS);
    await world.clock.sync(gone as unknown as Db);
    expect(Math.abs(world.clock.nowMs() - world.serverMs)).toBeLessThanOrEqual(1);
    world.wallMs += HOUR_MS;
    await expect(world.clock.sync(gone as unknown as Db)).rejects.toThrow("gone");
  });

  it.each([
    ["right", 0],
    ["an hour ahead", HOUR_MS],
    ["a year behind", -8_760 * HOUR_MS],
  ])(
    "is known to a process whose own is %s, and asked again only when that is old",
    async (_, ahead) => {
      const world = new World(ahead);
      expect(await world.measureError()).toBeLessThanOrEqual(1);
      const { asked } = world;
      for (let minute = 0; minute < 9; minute += 1) {
        world.pass(60_000);
        expect(await world.measureError()).toBeLessThanOrEqual(1);
      }
      expect(world.asked).toBe(asked);
      world.pass(2 * 60_000);
      expect(await world.measureError()).toBeLessThanOrEqual(1);
      expect(world.asked).toBe(asked + 1);
    },
  );

  it.each([
    ["set ahead", HOUR_MS],
    ["set back", -HOUR_MS],
  ])("stays right where the process's own is %s", async (_, jumpMs) => {
    const world = new World();
    expect(await world.measureError()).toBeLessThanOrEqual(1);
    world.wallMs += jumpMs;
    expect(Math.abs(world.clock.nowMs() - world.serverMs)).toBeLessThanOrEqual(1);
    expect(await world.measureError()).toBeLessThanOrEqual(1);
  });

  it("is asked again by a process that slept, whose monotonic clock stood still", async () => {
    const world = new World();
    expect(await world.measureError()).toBeLessThanOrEqual(1);
    world.serverMs += HOUR_MS;
    world.wallMs += HOUR_MS;
    expect(await world.measureError()).toBeLessThanOrEqual(1);
  });

  it("is followed once it is asked where it was set itself", async () => {
    for (const jumpMs of [HOUR_MS, -HOUR_MS]) {
      const world = new World();
      expect(await world.measureError()).toBeLessThanOrEqual(1);
      world.serverMs += jumpMs;
      expect(await world.clock.ask(world.db)).toBeLessThanOrEqual(world.serverMs);
      expect(await world.measureError()).toBeLessThanOrEqual(1);
    }
  });

  it("is not known less well after a slow reply", async () => {
    const world = new World();
    expect(await world.measureError()).toBeLessThanOrEqual(1);
    world.roundTripMs = 20_000;
    await world.clock.ask(world.db);
    expect(await world.measureError()).toBeLessThanOrEqual(1);
  });

  it("never says that a moment has passed which has not, when asked", async () => {
    const world = new World();
    for (const roundTripMs of [0, 10, 5_000]) {
      world.roundTripMs = roundTripMs;
      expect(await world.clock.ask(world.db)).toBeLessThanOrEqual(world.serverMs);
    }
  });

  it("is asked once by all that wait for it", async () => {
    const world = new World();
    await Promise.all([world.measureError(), world.measureError(), world.measureError()]);
    expect(world.asked).toBe(2);
  });
});
