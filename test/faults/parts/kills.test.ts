import { expect, it } from "vitest";
import { runShort } from "./run-short.ts";

it("clients that are ended by SIGKILL at any moment leave all that was acknowledged, whole and in order", async () => {
  const { faults } = await runShort("kills", { durationMs: 150_000, faults: 4 });
  expect(faults["SIGKILL of a client"]).toBeGreaterThanOrEqual(4);
}, 400_000);
