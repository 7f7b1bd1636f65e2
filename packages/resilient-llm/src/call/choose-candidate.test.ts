import { expect, it } from "vitest";
import type { Candidate } from "../candidate/candidate.ts";
import { createCandidates } from "../candidate/create-candidates.ts";
import type { Failure } from "../failure/failure.ts";
import { resolveOptions } from "../options/resolve-options.ts";
import { EventHub } from "../telemetry/events.ts";
import { chooseCandidate } from "./choose-candidate.ts";

const nowMs = 100_000;
const deadlineMs = 400_000;
const failure: Failure = { kind: "server-error", message: "down" };
const options = resolveOptions({
  models: ["m"],
  apiKey: "none",
  breaker: { threshold: 0.5, windowSize: 1, minimumAttempts: 1, openMs: 30_000 },
});

/** A candidate to which this has happened. */
function candidate(
  state: { openedAtMs?: number; blockedForMs?: number; avoided?: boolean } = {},
): Candidate {
  const [created] = createCandidates(options, new EventHub());
  if (!created) throw new Error("No candidate");
  if (state.openedAtMs !== undefined) {
    const attempt = { streaming: false, durationMs: 1, isProbe: false, firstTokenLimitMs: 1 };
    created.failed({ ...attempt, failure }, state.openedAtMs);
  }
  if (state.blockedForMs !== undefined) created.block(nowMs + state.blockedForMs);
  if (state.avoided) created.avoid(failure, deadlineMs);
  return created;
}

function choose(...chain: Candidate[]): readonly [index: number, waitMs: number] {
  const choice = chooseCandidate(chain, nowMs, deadlineMs);
  if (!choice) throw new Error("No choice");
  return [chain.indexOf(choice.candidate), choice.notBeforeMs - nowMs];
}

it.each([
  ["the first healthy one", [candidate(), candidate()], [0, 0]],
  ["past an open breaker", [candidate({ openedAtMs: 90_000 }), candidate()], [1, 0]],
  ["past a block", [candidate({ blockedForMs: 10 }), candidate()], [1, 0]],
  ["a probe that is due", [candidate({ openedAtMs: 60_000 }), candidate()], [0, 0]],
  [
    "an avoided one rather than one that is down",
    [candidate({ openedAtMs: 90_000 }), candidate({ avoided: true })],
    [1, 0],
  ],
  [
    "the end of a short block rather than a server that is down",
    [candidate({ openedAtMs: 90_000 }), candidate({ blockedForMs: 1000 })],
    [1, 1000],
  ],
  [
    "the probe if it falls due before the block ends",
    [candidate({ openedAtMs: 90_000 }), candidate({ blockedForMs: 25_000 })],
    [0, 20_000],
  ],
  [
    "with all breakers open the one open longest, at once",
    [candidate({ openedAtMs: 90_000 }), candidate({ openedAtMs: 80_000 })],
    [1, 0],
  ],
  [
    "the block that ends first if all are blocked",
    [candidate({ blockedForMs: 900_000 }), candidate({ blockedForMs: 800_000 })],
    [1, 800_000],
  ],
] as const)("takes %s", (_, chain, expected) => {
  expect(choose(...chain)).toEqual(expected);
});

it("takes nothing from nothing", () => {
  expect(chooseCandidate([], nowMs, deadlineMs)).toBeUndefined();
});
