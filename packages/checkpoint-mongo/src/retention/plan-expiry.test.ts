import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planExpiry } from "./plan-expiry.ts";

const NOW = 1_000_000_000_000;
const at = (seconds: number) => new Date(NOW + seconds * 1_000);

describe("when a thread that is written to expires", () => {
  it.each([
    ["stays, without a ttl, if it stayed", undefined, undefined, "keep"],
    ["never, without a ttl, if it was to expire", undefined, at(50), undefined],
    ["is set, if it was to stay", 100, undefined, at(100)],
    ["is not moved while half of the ttl is left", 100, at(50), "keep"],
    ["is moved when less than half is left", 100, at(49.999), at(100)],
    ["is moved when it is past", 100, at(-1), at(100)],
    ["is moved when the ttl has become shorter", 100, at(106), at(100)],
    ["is not moved for a writer whose clock is a little behind", 100, at(104), "keep"],
  ] as const)("%s", (_name, ttl, expiresAt, expected) => {
    expect(planExpiry(ttl, expiresAt, NOW)).toEqual(
      expected === "keep" ? { kind: "keep" } : { kind: "change", expiresAt: expected },
    );
  });

  it("is between half the ttl and the whole ttl away, and moved at most once per half", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.array(fc.integer({ min: 1, max: 2_000 }), { maxLength: 100 }),
        (ttl, pausesMs) => {
          let now = NOW;
          let expiresAt: Date | undefined;
          let moves = 0;
          for (const pauseMs of pausesMs) {
            now += pauseMs;
            const plan = planExpiry(ttl, expiresAt, now);
            if (plan.kind === "change") {
              expiresAt = plan.expiresAt;
              moves += 1;
            }
            const leftMs = expiresAt!.getTime() - now;
            expect(leftMs).toBeGreaterThanOrEqual((ttl * 1_000) / 2);
            expect(leftMs).toBeLessThanOrEqual(ttl * 1_000);
          }
          expect(moves).toBeLessThanOrEqual(1 + (now - NOW) / ((ttl * 1_000) / 2));
        },
      ),
    );
  });
});
