import { it } from "vitest";
import { runShort } from "./run-short.ts";

it("deletions, sweeps, expiry and verification beside puts and reads of the same threads lose nothing, bring nothing back and raise no false alarm", async () => {
  await runShort("races", { durationMs: 8_000 });
}, 300_000);
