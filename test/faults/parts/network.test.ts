import { expect, it } from "vitest";
import { runShort } from "./run-short.ts";

it(
  "a network that delays, resets, cuts and forgets connections loses nothing, and callers get typed errors at most",
  { timeout: 400_000 },
  async () => {
    const { faults } = await runShort("network", { durationMs: 150_000, faults: 9 });
    expect(Object.keys(faults).toSorted()).toEqual([
      "closed while sending",
      "half reply",
      "half request",
      "half-open",
      "latency",
      "lost reply",
      "lost request",
      "pause",
      "reset",
    ]);
  },
);
