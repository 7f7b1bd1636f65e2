import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { computeExpiry, isMoveDue } from "./plan-expiry.ts";

const NOW = 1_000_000_000_000;
const at = (seconds: number) => new Date(NOW + seconds * 1_000);

describe("when a thread that is written to expires", () => {
  it.each([
    ["stays, without a ttl, if it stayed", undefined, undefined, "keep"],
    ["never, without a ttl, if it was to expire", undefined, at(50), undefined],
    ["is set, with the slack, if it was to stay", 100, undefined, at(150)],
    ["is not moved while more than the ttl is left", 100, at(100.001), "keep"],
    ["is moved when no more than the ttl is left", 100, at(100), at(150)],
    ["is moved when it is past", 100, at(-1), at(150)],
    ["is moved when the ttl has become shorter", 100, at(216), at(150)],
    [
      "is not moved for a writer that was slow, or whose clock is a little behind",
      100,
      at(214),
      "keep",
    ],
  ] as const)("%s", (_name, ttl, expiresAt, expected) => {
    const retention = ttl === undefined ? undefined : { ttl, ttlSlack: 0.5 };
    const isMoved = isMoveDue(retention, expiresAt, NOW);
    expect(isMoved ? computeExpiry(retention, NOW) : "keep").toEqual(expected);
  });

  it("is moved so far ahead that nobody else has to move it during the lead of a slow writer", () => {
    const retention = { ttl: 1, ttlSlack: 0.5 };
    const leadMs = 4_000;
    const expiresAt = at(1.4);
    expect(isMoveDue(retention, expiresAt, NOW)).toBe(false);
    expect(isMoveDue(retention, expiresAt, NOW, leadMs)).toBe(true);
    const moved = computeExpiry(retention, NOW, leadMs);
    expect(isMoveDue(retention, moved, NOW + leadMs)).toBe(false);
  });

  it("is never moved so far ahead that another writer moves it back, whatever the lead", () => {
    const retention = { ttl: 1, ttlSlack: 0.5 };
    const moved = computeExpiry(retention, NOW, Infinity);
    expect(isMoveDue(retention, moved, NOW)).toBe(false);
  });

  it("is between the ttl and the ttl with the slack away, and moved at most once per slack", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0.1, max: 3, noNaN: true }),
        fc.array(fc.integer({ min: 1, max: 2_000 }), { maxLength: 100 }),
        (ttl, ttlSlack, pausesMs) => {
          const ttlMs = ttl * 1_000;
          let now = NOW;
          let expiresAt: Date | undefined;
          let moves = 0;
          for (const pauseMs of pausesMs) {
            now += pauseMs;
            if (isMoveDue({ ttl, ttlSlack }, expiresAt, now)) {
              expiresAt = computeExpiry({ ttl, ttlSlack }, now);
              moves += 1;
            }
            const leftMs = expiresAt!.getTime() - now;
            expect(leftMs).toBeGreaterThanOrEqual(ttlMs);
            expect(leftMs).toBeLessThanOrEqual(Math.ceil(ttlMs * (1 + ttlSlack)));
          }
          expect(moves).toBeLessThanOrEqual(1 + (now - NOW) / (ttlMs * ttlSlack));
        },
      ),
    );
  });
});
