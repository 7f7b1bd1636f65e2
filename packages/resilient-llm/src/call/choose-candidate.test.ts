import { expect, it } from "vitest";
import type { Candidate } from "../candidate/candidate.ts";
import { createCandidates } from "../candidate/create-candidates.ts";
import type { Failure } from "../failure/failure.ts";
import { resolveOptions } from "../options/resolve-options.ts";
import { EventHub } from "../events/events.ts";
import { chooseCandidate } from "./choose-candidate.ts";

const NOW_MS = 100_000;
const DEADLINE_MS = 400_000;
const FAILURE: Failure = { kind: "server-error", message: "down" };
const OPTIONS = resolveOptions({
  models: ["m"],
  apiKey: "none",
  breaker: { threshold: 0.5, windowSize: 1, minimumAttempts: 1, openMs: 30_000 },
});

/** A candidate to which this has happened. */
function makeCandidate(
  state: { openedAtMs?: number; blockedForMs?: number; avoided?: boolean } = {},
): Candidate {
  const [created] = createCandidates(OPTIONS, new EventHub());
  if (!created) throw new Error("No candidate");
  if (state.openedAtMs !== undefined) {
    const asked = { promptTokens: 0, maxOutputTokens: undefined };
    const attempt = {
      asked,
      streaming: false,
      // So slowly that the breaker stays open for as long as it may.
      durationMs: 3000,
      isProbe: false,
      firstTokenLimitMs: 1,
    };
    created.failed({ ...attempt, failure: FAILURE }, state.openedAtMs);
  }
  if (state.blockedForMs !== undefined) created.block(NOW_MS + state.blockedForMs, NOW_MS);
  if (state.avoided) created.avoid(FAILURE, 1000, 60_000, NOW_MS);
  return created;
}

function choose(...chain: Candidate[]): readonly [index: number, waitMs: number] {
  const choice = chooseCandidate(chain, NOW_MS, DEADLINE_MS);
  if (!choice) throw new Error("No choice");
  return [chain.indexOf(choice.candidate), choice.notBeforeMs - NOW_MS];
}

it.each([
  ["the first healthy one", [makeCandidate(), makeCandidate()], [0, 0]],
  ["past an open breaker", [makeCandidate({ openedAtMs: 90_000 }), makeCandidate()], [1, 0]],
  ["past a block", [makeCandidate({ blockedForMs: 10 }), makeCandidate()], [1, 0]],
  ["a probe that is due", [makeCandidate({ openedAtMs: 60_000 }), makeCandidate()], [0, 0]],
  [
    "an avoided one rather than one that is down",
    [makeCandidate({ openedAtMs: 90_000 }), makeCandidate({ avoided: true })],
    [1, 0],
  ],
  [
    "the end of a short block rather than a server that is down",
    [makeCandidate({ openedAtMs: 90_000 }), makeCandidate({ blockedForMs: 1000 })],
    [1, 1000],
  ],
  [
    "the probe if it falls due before the block ends",
    [makeCandidate({ openedAtMs: 90_000 }), makeCandidate({ blockedForMs: 25_000 })],
    [0, 20_000],
  ],
  [
    "with all breakers open the one open longest, at once",
    [makeCandidate({ openedAtMs: 90_000 }), makeCandidate({ openedAtMs: 80_000 })],
    [1, 0],
  ],
  [
    "the block that ends first if all are blocked",
    [makeCandidate({ blockedForMs: 900_000 }), makeCandidate({ blockedForMs: 800_000 })],
    [1, 800_000],
  ],
] as const)("takes %s", (_, chain, expected) => {
  expect(choose(...chain)).toEqual(expected);
});

it("takes nothing from nothing", () => {
  expect(chooseCandidate([], NOW_MS, DEADLINE_MS)).toBeUndefined();
});
