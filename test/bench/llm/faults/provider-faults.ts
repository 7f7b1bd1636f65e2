import { systemClock } from "../../../../packages/resilient-llm/src/time/clock.ts";
import { CONSEQUENCES } from "../../../resilient-llm/providers/consequences.ts";
import { FAMILIES } from "../../../resilient-llm/providers/families.ts";
import type { AnswerRow, ErrorRow } from "../../../resilient-llm/providers/provider-row.ts";
import { serveAnswer, serveError } from "../../../resilient-llm/providers/serve-row.ts";
import type { Fault, PickFault } from "./fault.ts";
import { drawNumber, FAULT_SHARE, MODELS } from "./scenario.ts";

/** A longer wait would outlast the run, and the server does not keep to it. */
const LONGEST_WAIT_MS = 30_000;
/** What a broken answer has cost before it breaks. */
const BROKEN_ANSWER_TOKENS = 5;

interface ProviderFault {
  readonly fault: Fault;
  /** No repetition helps, only another model: the first model refuses every attempt of the call. */
  readonly isRefusal: boolean;
}

function toFaults({ means, requests, waitsMs = 0, ...row }: ErrorRow): ProviderFault[] {
  const consequence = CONSEQUENCES[means];
  if (!consequence.goesOn || waitsMs > LONGEST_WAIT_MS) return [];
  const reply = serveError({ means, ...row }, systemClock);
  const isRefusal = (requests ?? consequence.requests) === 1;
  return [{ fault: { reply, paidTokens: 0 }, isRefusal }];
}

function toBrokenAnswers(row: AnswerRow): ProviderFault[] {
  if (!row.means || row.streamed === undefined) return [];
  const consequence = CONSEQUENCES[row.means];
  if (!consequence.goesOn) return [];
  const fault = { reply: serveAnswer(row), paidTokens: BROKEN_ANSWER_TOKENS };
  return [{ fault, isRefusal: consequence.requests === 1 }];
}

/**
 * The rows of the providers' tests that are faults. Left out are those of which the caller has to hear:
 * a request that is wrong, a key that is wrong, a filtered content. All other calls have a right answer.
 */
const FAULTS: readonly ProviderFault[] = FAMILIES.flatMap(({ answers = [], errors }) =>
  errors.flatMap(toFaults).concat(answers.flatMap(toBrokenAnswers)),
);
/** Those against which asking again helps. */
const REPEATABLE = FAULTS.filter(({ isRefusal }) => !isRefusal);

function draw(
  faults: readonly ProviderFault[],
  seed: number,
  call: number,
  attempt: number,
): ProviderFault | undefined {
  const position = drawNumber(seed, call, attempt) / FAULT_SHARE;
  return faults[Math.floor(position * faults.length)];
}

/**
 * What providers send, all rows alike. A refusal lasts as long as the call and is met at the first model
 * only, so that another model always helps. All others are met by one attempt.
 */
export const pickProviderFault: PickFault = ({ attempt, call, model, seed }) => {
  const first = draw(FAULTS, seed, call, 1);
  if (first?.isRefusal) {
    if (model === MODELS.primary) return first.fault;
    if (attempt === 1) return undefined;
  }
  return (attempt === 1 ? first : draw(REPEATABLE, seed, call, attempt))?.fault;
};
