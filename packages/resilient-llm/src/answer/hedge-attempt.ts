import type { Clock } from "../time/clock.ts";
import type { Call } from "../call/call.ts";
import type { PreparedAttempt } from "../attempt/prepared-attempt.ts";

/** A running attempt that may meet a second one. */
export interface RunningAttempt {
  readonly prepared: PreparedAttempt;
  /** `true` once it answers, `false` when it has ended without. Never rejects. */
  readonly answers: Promise<boolean>;
  /** Ends it because the other one answers. Fulfilled when it's booked. */
  lose(wasLate: boolean): Promise<void>;
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
 * Waits until `first` answers. If it takes too long and the quota and the budgets allow it, the next
 * candidate is asked as well: the first of the two to answer is returned, the other one ended and
 * booked. If neither answers, it's the one that ended last.
 */
export async function hedgeAttempt<Running extends RunningAttempt>(
  call: Call,
  clock: Clock,
  first: Running,
  start: (prepared: PreparedAttempt) => Running,
): Promise<Running> {
  const delayMs = call.hedgeDelayMs(first.prepared);
  if (delayMs === undefined || !(await isLate(first.answers, delayMs, clock))) return first;
  let answered = false;
  void first.answers.then(() => (answered = true));
  const prepared = await call.prepareHedge(first.prepared, delayMs, () => !answered);
  if (!prepared) return first;
  const second = start(prepared);
  const { ahead, behind, hasAnswer } = await Promise.race([
    first.answers.then((yes) => ({ ahead: first, behind: second, hasAnswer: yes })),
    second.answers.then((yes) => ({ ahead: second, behind: first, hasAnswer: yes })),
  ]);
  if (hasAnswer) {
    await behind.lose(behind === first);
    return ahead;
  }
  call.relyOn(behind.prepared.candidate);
  await behind.answers;
  return behind;
}
