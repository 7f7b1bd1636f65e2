import { expect, it } from "vitest";
import type { Failure, FailureKind } from "../failure/failure.ts";
import { resolveOptions } from "../options/resolve-options.ts";
import { type BreakerState, EventHub } from "../events/events.ts";
import type { Candidate, FailureReport } from "./candidate.ts";
import { createCandidates } from "./create-candidates.ts";

const NOW_MS = 100_000;
const ASKED = { promptTokens: 0, maxOutputTokens: 100 };

function createCandidate(): { candidate: Candidate; states: BreakerState[] } {
  const hub = new EventHub();
  const states: BreakerState[] = [];
  hub.subscribe((event) => {
    if (event.type === "breaker") states.push(event.state);
  });
  const options = resolveOptions({
    models: ["m"],
    apiKey: "none",
    breaker: { windowSize: 1, minimumAttempts: 1, openMs: 30_000 },
    timeout: { adaptiveFloorMs: 0, firstTokenMs: 60_000, totalMs: 300_000 },
  });
  const [candidate] = createCandidates(options, hub);
  if (!candidate) throw new Error("No candidate");
  return { candidate, states };
}

function failWith(failure: Partial<Failure>, report: Partial<FailureReport> = {}): FailureReport {
  return {
    asked: ASKED,
    streaming: true,
    durationMs: 1000,
    isProbe: false,
    firstTokenLimitMs: 60_000,
    failure: { kind: "server-error", message: "failed", ...failure },
    ...report,
  };
}

const SUCCESS = {
  asked: ASKED,
  usage: undefined,
  streaming: true,
  startedAtMs: NOW_MS - 1000,
  durationMs: 1000,
  firstTokenMs: 500,
  retries: 0,
  exhaustedForMs: undefined,
};

it.each<[FailureKind, boolean]>([
  ["server-error", true],
  ["timeout", true],
  ["connection", true],
  ["truncated", true],
  ["invalid-response", true],
  ["rate-limited", false],
  ["bad-request", false],
  ["authentication", false],
  ["context-length", false],
  ["unknown", false],
])("a failure of kind %s opens the breaker: %s", (kind, opens) => {
  const { candidate } = createCandidate();
  candidate.failed(failWith({ kind }), NOW_MS);
  expect(candidate.openedAtMs !== undefined).toBe(opens);
  expect(candidate.isHealthy(NOW_MS)).toBe(!opens);
});

it.each<[string, FailureKind, boolean]>([
  ["a refusal shows that the endpoint is back", "bad-request", true],
  ["an error that never left the process shows nothing", "unknown", false],
])("of an open breaker's probe %s", (_, kind, closes) => {
  const { candidate, states } = createCandidate();
  candidate.failed(failWith({}), NOW_MS);
  const probeAtMs = NOW_MS + 30_000;
  const isProbe = candidate.admit();
  expect(isProbe).toBe(true);
  expect(candidate.isPermitted(probeAtMs)).toBe(false);
  candidate.failed(failWith({ kind }, { isProbe }), probeAtMs);
  expect(candidate.openedAtMs === undefined).toBe(closes);
  expect(candidate.isPermitted(probeAtMs)).toBe(true);
  expect(states).toEqual(closes ? ["open", "half-open", "closed"] : ["open", "half-open"]);
});

it("is blocked as long as the provider asks, and a shorter block ends no longer one", () => {
  const { candidate } = createCandidate();
  candidate.failed(failWith({ kind: "rate-limited", waitHintMs: 5000 }), NOW_MS);
  candidate.succeeded({ ...SUCCESS, exhaustedForMs: 2000 }, NOW_MS);
  expect(candidate.isBlocked(NOW_MS + 4999)).toBe(true);
  expect(candidate.isHealthy(NOW_MS + 5000)).toBe(true);
  expect(candidate.readyAtMs).toBe(NOW_MS + 5000);
});

it("a pause it asked for is over when it answers a request that was sent after that, not before", () => {
  const { candidate } = createCandidate();
  candidate.failed(failWith({ kind: "rate-limited", waitHintMs: 5000 }), NOW_MS);
  candidate.succeeded(SUCCESS, NOW_MS + 1);
  expect(candidate.isBlocked(NOW_MS + 1)).toBe(true);
  candidate.succeeded({ ...SUCCESS, startedAtMs: NOW_MS }, NOW_MS + 1);
  expect(candidate.isBlocked(NOW_MS + 1)).toBe(false);
});

it("is avoided after a fallback until it answers, unless the provider said how long to wait", () => {
  const { candidate } = createCandidate();
  candidate.avoid({ kind: "rate-limited", message: "busy", waitHintMs: 10 }, 1000, 60_000, NOW_MS);
  candidate.avoid({ kind: "bad-request", message: "wrong" }, 1000, 60_000, NOW_MS);
  expect(candidate.isHealthy(NOW_MS)).toBe(true);
  candidate.avoid({ kind: "server-error", message: "down" }, 1000, 60_000, NOW_MS);
  expect(candidate.isHealthy(NOW_MS)).toBe(false);
  candidate.succeeded(SUCCESS, NOW_MS);
  expect(candidate.isHealthy(NOW_MS)).toBe(true);
});

it("the limits follow answers and time limits that ran out, each for its way of asking", () => {
  const { candidate } = createCandidate();
  for (let answer = 0; answer < 10; answer += 1) candidate.succeeded(SUCCESS, NOW_MS);
  expect(candidate.firstTokenLimitMs(ASKED)).toBe(1000);
  expect(candidate.totalLimitMs(ASKED)).toBe(300_000);
  const timeout = { kind: "timeout", phase: "first-token" } as const;
  candidate.failed(failWith(timeout, { firstTokenLimitMs: 1000 }), NOW_MS);
  expect(candidate.firstTokenLimitMs(ASKED)).toBe(4000);
});

it("of two attempts the late one counts as slow, and the one that was cut short says nothing", () => {
  const { candidate } = createCandidate();
  for (let answer = 0; answer < 10; answer += 1) candidate.succeeded(SUCCESS, NOW_MS);
  const loss = { asked: ASKED, streaming: true, durationMs: 4000, isProbe: false };
  candidate.lost({ ...loss, wasLate: false });
  expect(candidate.firstTokenLimitMs(ASKED)).toBe(1000);
  candidate.lost({ ...loss, wasLate: true });
  expect(candidate.firstTokenLimitMs(ASKED)).toBe(16_000);
});

it("is avoided for ten times as long as it took to fail, from 5 s up to the longest avoidance", () => {
  const { candidate } = createCandidate();
  const down: Failure = { kind: "server-error", message: "down" };
  for (const [failedAfterMs, pauseMs] of [
    [50, 5000],
    [2000, 20_000],
    [10_000, 60_000],
  ] as const) {
    candidate.avoid(down, failedAfterMs, 60_000, NOW_MS);
    expect(candidate.isHealthy(NOW_MS + pauseMs - 1)).toBe(false);
    expect(candidate.isHealthy(NOW_MS + pauseMs)).toBe(true);
  }
});
