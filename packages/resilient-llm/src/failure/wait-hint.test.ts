import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDurationMs, readWaitHintMs } from "./wait-hint.ts";

const nowMs = Date.UTC(2026, 0, 1);

describe("readWaitHintMs", () => {
  it.each([
    [{ "retry-after": "7" }, 7000],
    [{ "retry-after": "0.5" }, 500],
    [{ "retry-after": new Date(nowMs + 9000).toUTCString() }, 9000],
    [{ "retry-after": new Date(nowMs - 9000).toUTCString() }, undefined],
    [{ "retry-after": "0" }, undefined],
    [{ "retry-after": "" }, undefined],
    [{ "retry-after": "0", "x-ratelimit-reset-requests": "3s" }, 3000],
    [{ "retry-after-ms": "250", "retry-after": "7" }, 250],
    [{ "x-ratelimit-reset-requests": "6m0s" }, 360_000],
    [{ "x-ratelimit-reset-tokens": "20ms" }, 20],
    [{ "x-ratelimit-reset": String(nowMs / 1000 + 30) }, 30_000],
    [{ "x-ratelimit-reset": String(nowMs + 30_000) }, 30_000],
    [{ "x-ratelimit-reset": String(nowMs - 30_000) }, undefined],
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
    ["Please try again in 7m12.3s.", 432_300],
    ["try again in 0m0.3s", 300],
    ["Please retry in 1.5s.", 1500],
    ["Please wait 1 minute and 30 seconds", 90_000],
    ["try again in 2h5m", 7_500_000],
    ["try again later", undefined],
    ["retry with 5 models", undefined],
  ])("reads the text %j when no header says anything", (message, expected) => {
    const report = { message, retryDelay: undefined, upstreamHeaders: undefined };
    expect(readWaitHintMs(undefined, nowMs, report)).toBe(expected);
  });

  it("reads what a body says, headers of an upstream first", () => {
    const upstreamHeaders = new Headers({ "x-ratelimit-reset": String(nowMs + 7000) });
    const report = { message: "try again in 1s", retryDelay: "1.5s", upstreamHeaders };
    expect(readWaitHintMs(undefined, nowMs, report)).toBe(7000);
    expect(readWaitHintMs(new Headers({ "retry-after": "2" }), nowMs, report)).toBe(2000);
    const withoutHeaders = { ...report, upstreamHeaders: undefined };
    expect(readWaitHintMs(undefined, nowMs, withoutHeaders)).toBe(1500);
  });

  it("never asks for a negative wait, whatever a server sends", () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const lookup = { get: (name: string) => (name === "retry-after" ? value : null) };
        expect(readWaitHintMs(lookup, nowMs) ?? 1).toBeGreaterThan(0);
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
