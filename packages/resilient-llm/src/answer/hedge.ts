import type { AttemptOutcome } from "../attempt/attempt-outcome.ts";
import type { PreparedAttempt } from "../attempt/prepared-attempt.ts";
import type { Call, Loss } from "../call/call.ts";
import type { Clock } from "../time/clock.ts";

/** An attempt under way that may meet a second one. */
export interface RunningAttempt {
  /** `true` once it answers, `false` when it has ended without an answer. Never rejects. */
  readonly answers: Promise<boolean>;
  /** Fulfilled when the attempt has ended, after its signal was aborted. */
  readonly end: () => Promise<unknown>;
}

/** Makes an attempt. `onEnd` is told once how it ended. */
export type StartAttempt<Running extends RunningAttempt> = (
  attempt: PreparedAttempt,
  signal: AbortSignal,
  onEnd: (outcome: AttemptOutcome<unknown>) => void,
) => Running;

/** One of two attempts: it ends with the caller's signal, or because the other one answers first. */
class Contestant<Running extends RunningAttempt> {
  readonly attempt: PreparedAttempt;
  readonly running: Running;
  readonly #controller = new AbortController();
  #loss: Loss | undefined;
  #hasEnded = false;

  constructor(call: Call, attempt: PreparedAttempt, start: StartAttempt<Running>) {
    const { signal: outer } = call.request;
    const own = this.#controller.signal;
    this.attempt = attempt;
    this.running = start(attempt, outer ? AbortSignal.any([outer, own]) : own, (outcome) => {
      this.#hasEnded = true;
      call.finish(attempt, outcome, this.#loss);
    });
  }

  /** Ends the attempt, unless it has ended already. Fulfilled when it is booked. */
  async lose(loss: Loss): Promise<void> {
    if (!this.#hasEnded) {
      this.#loss = loss;
      this.#controller.abort(new Error("Another candidate answered first"));
    }
    await this.running.end();
  }
}

function isLate(answers: Promise<boolean>, delayMs: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const cancel = clock.setTimer(() => resolve(true), delayMs);
    void answers.then(() => {
      cancel();
      resolve(false);
    });
  });
}

/**
 * Makes an attempt and waits until it answers. If that takes too long, and quota and budgets allow it,
 * the next candidate is asked too: the first of the two to answer is returned, the other one is ended
 * and booked. If neither answers, the one that ended last is returned.
 */
export async function hedge<Running extends RunningAttempt>(
  call: Call,
  attempt: PreparedAttempt,
  start: StartAttempt<Running>,
): Promise<Running> {
  const first = new Contestant(call, attempt, start);
  const { answers } = first.running;
  const delayMs = call.hedgeDelayMs(attempt);
  if (delayMs === undefined || !(await isLate(answers, delayMs, call.options.clock))) {
    return first.running;
  }
  let hasAnswered = false;
  void answers.then(() => (hasAnswered = true));
  const prepared = await call.prepareHedge(attempt, delayMs, () => !hasAnswered);
  if (!prepared) return first.running;
  const second = new Contestant(call, prepared, start);
  const { ahead, behind, hasAnswer } = await Promise.race([
    answers.then((yes) => ({ ahead: first, behind: second, hasAnswer: yes })),
    second.running.answers.then((yes) => ({ ahead: second, behind: first, hasAnswer: yes })),
  ]);
  if (hasAnswer) {
    await behind.lose({ wasLate: behind === first });
    return ahead.running;
  }
  call.relyOn(behind.attempt.candidate);
  await behind.running.answers;
  return behind.running;
}
