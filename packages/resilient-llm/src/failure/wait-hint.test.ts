import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDurationMs, readWaitHintMs } from "./wait-hint.ts";

const nowMs = Date.UTC(2026, 0, 1);

describe("readWaitHintMs", () => {
  it.each([
    [{ "retry-after": "7" }, 7000],
    [{ "retry-after": "0.5" }, 500],
    [{ "retry-after": new Date(nowMs + 9000).toUTCString() }, 9000],
    [{ "retry-after": new Date(nowMs - 9000).toUTCString() }, 0],
    [{ "retry-after-ms": "250", "retry-after": "7" }, 250],
    [{ "x-ratelimit-reset-requests": "6m0s" }, 360_000],
    [{ "x-ratelimit-reset-tokens": "20ms" }, 20],
    [{ "x-ratelimit-reset": String(nowMs / 1000 + 30) }, 30_000],
    [{ "anthropic-ratelimit-tokens-reset": new Date(nowMs + 4000).toISOString() }, 4000],
    [{ "x-ratelimit-reset-requests": "10s", "x-ratelimit-remaining-requests": "5" }, undefined],
    [{ "retry-after": "soon" }, undefined],
    [{}, undefined],
  ])("reads %j as %s ms", (headers, expected) => {
    expect(readWaitHintMs(new Headers(headers as Record<string, string>), nowMs)).toBe(expected);
  });

  it.each([
    ["Rate limit reached. Please try again in 20s.", 20_000],
    ["Please retry after 1.5 minutes", 90_000],
    ["try again in 350ms", 350],
    ["try again later", undefined],
  ])("reads the text %j when no header says anything", (message, expected) => {
    expect(readWaitHintMs(undefined, nowMs, message)).toBe(expected);
  });

  it("never asks for a negative wait, whatever a server sends", () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const lookup = { get: (name: string) => (name === "retry-after" ? value : null) };
        expect(readWaitHintMs(lookup, nowMs) ?? 0).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

it("parseDurationMs reads what it can write", () => {
  fc.assert(
    fc.property(fc.nat(99), fc.nat(59), fc.nat(59), fc.nat(999), (h, m, s, ms) => {
      const expected = h * 3_600_000 + m * 60_000 + s * 1000 + ms;
      expect(parseDurationMs(`${h}h${m}m${s}s${ms}ms`)).toBe(expected);
    }),
  );
  expect(parseDurationMs("1 second")).toBeUndefined();
});
