import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutText } from "./cut-text.ts";

/** Characters of one kind or another that repeat only by chance. */
function makeText(seed: number, length: number, first = 0x20, count = 90): string {
  let state = seed | 1;
  const units = Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    return String.fromCodePoint(first + ((state >>> 8) % count));
  });
  return units.join("");
}

describe("the chunks of a text", () => {
  it("put together are the text, and hold whole characters, whatever its length", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.oneof(fc.nat({ max: 600_000 }), fc.constantFrom(16_384, 16_385, 262_144, 262_145)),
        fc.constantFrom(0x20, 0xe0, 0x4e_00, 0x1_f6_00),
        (seed, length, first) => {
          const text = makeText(seed, length, first, first === 0x1_f6_00 ? 60 : 90);
          const chunks = [...cutText(text)];
          expect(chunks.join("") === text).toBe(true);
          expect(chunks.every((chunk) => chunk.isWellFormed())).toBe(true);
          expect(chunks.every((chunk) => chunk.length <= 262_145)).toBe(true);
        },
      ),
      { numRuns: 20 },
    );
  });

  it("are the same but for a few around a change, also if that moves all that comes after it", () => {
    const text = makeText(7, 4_000_000);
    const chunks = new Set(cutText(text));
    const changed = `${text.slice(0, 1_500_000)}put in between${text.slice(1_500_000)}`;
    const fresh = [...cutText(changed)].filter((chunk) => !chunks.has(chunk));
    expect(chunks.size).toBeGreaterThan(20);
    expect(fresh.length).toBeLessThanOrEqual(3);
  });

  it("are bounded where a text never changes", () => {
    expect(Array.from(cutText("x".repeat(600_000)), (chunk) => chunk.length)).toHaveLength(3);
  });
});
