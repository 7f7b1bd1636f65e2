import { expect, it } from "vitest";
import { Breaker } from "../candidate/breaker.ts";
import type { Candidate } from "../candidate/candidate.ts";
import { chooseCandidate } from "./choose-candidate.ts";

const nowMs = 100_000;
const deadlineMs = 400_000;

/** As much of a candidate as the choice looks at. */
function candidate(
  state: { openedAtMs?: number; blockedForMs?: number; avoided?: boolean } = {},
): Candidate {
  const options = { threshold: 0.5, windowSize: 1, minimumAttempts: 1, openMs: 30_000 };
  const breaker = new Breaker(options, () => undefined);
  if (state.openedAtMs !== undefined) breaker.fail(state.openedAtMs, false);
  const blockedUntilMs = nowMs + (state.blockedForMs ?? 0);
  return {
    breaker,
    blockedUntilMs,
    isHealthy: (at: number) => at >= blockedUntilMs && !state.avoided && breaker.permits(at),
  } as Candidate;
}

function choose(...chain: Candidate[]): readonly [index: number, waitMs: number] {
  const choice = chooseCandidate(chain, nowMs, deadlineMs);
  if (!choice) throw new Error("No choice");
  return [chain.indexOf(choice.candidate), choice.notBeforeMs - nowMs];
}

it.each([
  ["the first healthy one", [candidate(), candidate()], [0, 0]],
  ["past an open breaker", [candidate({ openedAtMs: 90_000 }), candidate()], [1, 0]],
  ["past a pause", [candidate({ blockedForMs: 10 }), candidate()], [1, 0]],
  ["a probe that is due", [candidate({ openedAtMs: 60_000 }), candidate()], [0, 0]],
  [
    "an avoided one rather than one that is down",
    [candidate({ openedAtMs: 90_000 }), candidate({ avoided: true })],
    [1, 0],
  ],
  [
    "the end of a short pause rather than a server that is down",
    [candidate({ openedAtMs: 90_000 }), candidate({ blockedForMs: 1000 })],
    [1, 1000],
  ],
  [
    "the probe if it falls due before the pause ends",
    [candidate({ openedAtMs: 90_000 }), candidate({ blockedForMs: 25_000 })],
    [0, 20_000],
  ],
  [
    "with all breakers open the one open longest, at once",
    [candidate({ openedAtMs: 90_000 }), candidate({ openedAtMs: 80_000 })],
    [1, 0],
  ],
  [
    "the pause that ends first if all pause",
    [candidate({ blockedForMs: 900_000 }), candidate({ blockedForMs: 800_000 })],
    [1, 800_000],
  ],
] as const)("takes %s", (_, chain, expected) => {
  expect(choose(...chain)).toEqual(expected);
});

it("takes nothing from nothing", () => {
  expect(chooseCandidate([], nowMs, deadlineMs)).toBeUndefined();
});
