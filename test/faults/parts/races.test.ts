import { expect, it } from "vitest";
import { runShort } from "./run-short.ts";

it("deletions, sweeps, expiry and verification beside puts and reads of the same threads lose nothing, bring nothing back and raise no false alarm", async () => {
  const { calls } = await runShort("races", { durationMs: 8_000 });
  expect(calls).toBeGreaterThan(0);
}, 300_000);
