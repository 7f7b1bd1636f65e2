import { randomUUID } from "node:crypto";
import type { BaseMessage } from "@langchain/core/messages";
import type { AttemptLimits } from "../attempt/attempt-scope.ts";
import type { Candidate } from "../candidate/candidate.ts";
import { estimatePromptTokens } from "../context/estimate-tokens.ts";
import { noUsage } from "../cost/token-usage.ts";
import { BudgetExceededError } from "../errors/budget-exceeded-error.ts";
import type { ModelCallError, PartialAnswer } from "../errors/model-call-error.ts";
import type { Failure } from "../failure/failure.ts";
import { failurePolicies } from "../failure/failure-policy.ts";
import { fullJitterDelayMs } from "../retry/backoff.ts";
import { sleep } from "../time/sleep.ts";
import { type Admission, admitAttempt, withdrawAdmission } from "./admit-attempt.ts";
import type { AttemptOutcome } from "../attempt/attempt-outcome.ts";
import type { AttemptRecord } from "../failure/attempt-record.ts";
import { bookAttempt } from "./book-attempt.ts";
import type { CallContext, CallRequest } from "./call-context.ts";
import { CallTimeline } from "./call-timeline.ts";
import { noteFailure, noteLost, noteSuccess } from "./candidate-health.ts";
import { FittedPrompt } from "./fitted-prompt.ts";
import { type PreparedAttempt, referTo } from "../attempt/prepared-attempt.ts";
import { Route } from "./route.ts";

/** An attempt that was let in. */
type Granted = Admission & { readonly verdict: "granted" };

/**
 * One call of the model over all its attempts: which candidate is asked next and when, and what
 * follows from how an attempt ended. It makes no attempts itself; `invoke` and `stream` do, each in
 * its way.
 */
export class Call {
  readonly #context: CallContext;
  readonly #request: CallRequest;
  readonly #deadlineMs: number;
  readonly #timeline: CallTimeline;
  readonly #prompt: FittedPrompt;
  readonly #route: Route;
  #id: string | undefined;
  #attempts = 0;
  #last: { readonly candidate: Candidate; readonly failure: Failure; delayMs: number } | undefined;
  #final: string | undefined;
  #refusal: string | undefined;
  #decidingFailure: Failure | undefined;
  #partial: PartialAnswer | undefined;

  constructor(context: CallContext, request: CallRequest) {
    this.#context = context;
    this.#request = request;
    const { clock, retry, context: contextOptions } = context.options;
    const nowMs = clock.now();
    this.#deadlineMs = nowMs + retry.deadlineMs;
    this.#route = new Route(context.candidates, this.#deadlineMs);
    this.#timeline = new CallTimeline(nowMs);
    this.#prompt = new FittedPrompt(request.messages, contextOptions.maxPromptTokens, (result) => {
      const { removedMessages, estimatedTokens } = result;
      context.events.emit({
        type: "context-trimmed",
        callId: this.id,
        removedMessages,
        estimatedTokens,
      });
    });
    context.hedgeQuota?.countCall();
  }

  /** Unique; made when it's first asked for, because without listeners nobody does. */
  get id(): string {
    this.#id ??= randomUUID();
    return this.#id;
  }

  /** The timeline so far. */
  get records(): readonly AttemptRecord[] {
    return this.#timeline.records;
  }

  /**
   * The next attempt once it may be made, after whatever wait is due, or the error that ends the call.
   *
   * @throws The reason of the caller's signal, at once when it aborts.
   */
  async prepare(extraMessages: readonly BaseMessage[] = []): Promise<PreparedAttempt | Error> {
    const { clock } = this.#context.options;
    for (;;) {
      this.#request.signal?.throwIfAborted();
      const nowMs = clock.now();
      if (nowMs >= this.#deadlineMs) this.#final = this.#describeDeadline();
      if (this.#final !== undefined) return this.#createError(this.#final);
      const choice = this.#route.choose(nowMs);
      if (!choice) return this.#createError(this.#refusal ?? "no candidate is left");
      if (choice.notBeforeMs >= this.#deadlineMs)
        return this.#createError(this.#describeDeadline());
      this.#announce(choice.candidate, nowMs);
      if (choice.notBeforeMs > nowMs) {
        await sleep(clock, choice.notBeforeMs - nowMs, this.#request.signal);
        continue;
      }
      const { candidate } = choice;
      const visit = this.#route.visit(candidate);
      if (visit.owesRetry && !candidate.retryQuota.tryTake()) {
        this.#route.exclude(candidate);
        this.#refusal = `the retry quota of ${candidate.name} is used up, other calls fail too`;
        continue;
      }
      visit.owesRetry = false;
      const messages = [...this.#prompt.messages, ...extraMessages];
      const asked = admitAttempt(this.#context, this.#request, candidate, messages);
      const admission = asked instanceof Promise ? await asked : asked;
      if (admission.verdict === "granted") return this.#begin(candidate, messages, admission);
      if (admission.verdict === "refused") {
        this.#route.exclude(candidate);
        this.#refusal = admission.refusal;
        continue;
      }
      candidate.block(clock.now() + admission.waitMs);
      // The slot is asked for again after the wait; the retry has been paid for already.
      if (this.#route.isStaying(candidate)) visit.notBeforeMs = candidate.blockedUntilMs;
    }
  }

  /** From when on an attempt counts as late, in ms after its start; `undefined`: never. */
  hedgeDelayMs({ candidate, streaming }: PreparedAttempt): number | undefined {
    const { hedge } = this.#context.options;
    if (!hedge || this.#context.candidates.length < 2) return undefined;
    const limit = streaming ? candidate.firstTokenLimit : candidate.totalLimit;
    return hedge.afterMs ?? limit.quantileMs(hedge.quantile);
  }

  /**
   * A second attempt beside one that is late, on the next candidate that could answer at once;
   * `undefined` if there is none or quota, rate limit or budget have no room for it.
   *
   * @param isStillLate Asked again right before the attempt begins.
   */
  async prepareHedge(
    late: PreparedAttempt,
    afterMs: number,
    isStillLate: () => boolean,
  ): Promise<PreparedAttempt | undefined> {
    const { events, hedgeQuota, options } = this.#context;
    const candidate = this.#route.findHealthyOther(late.candidate, options.clock.now());
    // One that has failed in this call has its own backoff to keep.
    if (!candidate || this.#route.visit(candidate).attempts > 0) return undefined;
    if (!hedgeQuota?.tryTake()) return undefined;
    let admission: Admission | undefined;
    try {
      admission = await admitAttempt(this.#context, this.#request, candidate, late.messages);
    } catch {
      // The first attempt is under way; what only the second would have met mustn't end the call.
    }
    if (admission?.verdict !== "granted" || !isStillLate()) {
      if (admission?.verdict === "granted") withdrawAdmission(candidate, admission);
      hedgeQuota.giveBack();
      return undefined;
    }
    events.emit({
      type: "hedge",
      callId: this.id,
      late: late.candidate.name,
      hedge: candidate.name,
      afterMs,
    });
    return this.#begin(candidate, late.messages, admission);
  }

  /** Of two attempts one has failed: the call goes on with the one on `candidate`. */
  relyOn(candidate: Candidate): void {
    this.#announce(candidate, this.#context.options.clock.now());
    // Even a refusal isn't final while another candidate may answer.
    this.#final = undefined;
    this.#route.moveOn();
  }

  /** Books how an attempt ended and decides what comes next; {@link prepare} carries it out. */
  finish(attempt: PreparedAttempt, outcome: AttemptOutcome<unknown>): void {
    bookAttempt(this.#context, this.#request, this, this.#timeline, attempt, outcome);
    const { candidate } = attempt;
    if (outcome.status === "succeeded") {
      const retries = this.#route.visit(candidate).attempts - 1;
      noteSuccess(attempt, outcome, retries, this.#context.options.clock.now());
    } else if (outcome.status === "failed") {
      this.#fail(attempt, outcome.failure, outcome.durationMs);
    } else {
      candidate.breaker.release(attempt.isProbe);
      // The slot wasn't used to the end; a limiter that can't be reached mustn't mask the abort.
      attempt.giveBackRate().catch(() => undefined);
    }
  }

  /**
   * Books an attempt that was ended because another candidate answered first. Its request was sent,
   * so its prompt counts as paid for and its slot in the rate limit as used.
   *
   * @param wasLate It was the first of the two.
   */
  lose(attempt: PreparedAttempt, outcome: AttemptOutcome<unknown>, wasLate: boolean): void {
    const inputTokens = estimatePromptTokens(attempt.messages);
    const usage =
      outcome.usage === noUsage ? { ...noUsage, inputTokens, estimated: true } : outcome.usage;
    const booked = { ...outcome, usage };
    bookAttempt(this.#context, this.#request, this, this.#timeline, attempt, booked);
    this.#timeline.noteNext("ended, another candidate was quicker");
    noteLost(attempt, outcome.durationMs, wasLate);
  }

  /** Keeps what was handed out, for the error if no attempt completes the answer. */
  keepPartial(partial: PartialAnswer): void {
    this.#partial = partial;
  }

  /** No further attempt: the answer can't be taken up again. */
  interrupt(failure: Failure, partial: PartialAnswer): ModelCallError {
    return this.#timeline.createInterruption(failure, partial);
  }

  #fail(attempt: PreparedAttempt, failure: Failure, durationMs: number): void {
    const { candidate } = attempt;
    const { clock, fallback, retry, random } = this.#context.options;
    const nowMs = clock.now();
    noteFailure(attempt, failure, durationMs, nowMs);
    const policy = failurePolicies[failure.kind];
    this.#last = { candidate, failure, delayMs: 0 };
    this.#decidingFailure = failure;
    this.#route.moveOn();

    if (failure.kind === "context-length") {
      this.#makeFit(candidate, failure);
      return;
    }
    if (failure.kind === "content-filter") {
      const { provider } = candidate;
      this.#route.exclude(
        ...this.#context.candidates.filter((other) => other.provider === provider),
      );
      if (!fallback.onContentFilter)
        this.#final = "content filters don't fall back (fallback.onContentFilter is off)";
      return;
    }
    const mayFallBack =
      policy.fallback || (failure.kind === "authentication" && fallback.onAuthentication);
    if (!mayFallBack) {
      this.#final =
        failure.kind === "authentication"
          ? "a wrong key doesn't fall back (fallback.onAuthentication is off)"
          : "the request itself is at fault";
      return;
    }
    const visit = this.#route.visit(candidate);
    if (!policy.retry || visit.attempts > retry.maxRetries) {
      this.#route.exclude(candidate);
      return;
    }
    visit.owesRetry = true;
    const delayMs = failure.waitHintMs ?? fullJitterDelayMs(visit.attempts - 1, retry, random);
    visit.notBeforeMs = nowMs + delayMs;
    this.#last.delayMs = delayMs;
    // No use in staying; the choice goes to whoever can answer before the deadline.
    if (visit.notBeforeMs >= this.#deadlineMs) return;
    const betterElsewhere = delayMs > retry.maxDelayMs || !candidate.breaker.permits(nowMs);
    const leaves = betterElsewhere && this.#route.findHealthyOther(candidate, nowMs);
    if (!leaves) this.#route.stay(candidate);
  }

  /** After a context-length error: the same candidate with a trimmed prompt, else larger windows. */
  #makeFit(candidate: Candidate, failure: Failure): void {
    const { trimOnOverflow } = this.#context.options.context;
    const windowTokens = failure.windowTokens ?? candidate.contextWindowTokens;
    if (trimOnOverflow && this.#prompt.shrink(windowTokens)) {
      this.#route.visit(candidate).notBeforeMs = 0;
      this.#route.stay(candidate);
      return;
    }
    this.#prompt.restore();
    const exceeded = candidate.contextWindowTokens ?? failure.windowTokens ?? 0;
    for (const other of this.#context.candidates) {
      const isLarger = (other.contextWindowTokens ?? 0) > exceeded;
      if (other === candidate || !isLarger) this.#route.exclude(other);
    }
  }

  #begin(candidate: Candidate, messages: BaseMessage[], admission: Granted): PreparedAttempt {
    const startedAtMs = this.#context.options.clock.now();
    const { streaming } = this.#request;
    this.#route.visit(candidate).attempts += 1;
    this.#attempts += 1;
    const attempt: PreparedAttempt = {
      number: this.#attempts,
      candidate,
      messages,
      streaming,
      limits: this.#limitsFor(candidate, startedAtMs),
      startedAtMs,
      isProbe: admission.isProbe,
      reservation: admission.reservation,
      giveBackRate: admission.giveBackRate,
    };
    const { events } = this.#context;
    if (events.hasListeners) {
      events.emit({ type: "attempt-started", streaming, ...referTo(attempt, this.id) });
    }
    return attempt;
  }

  #limitsFor(candidate: Candidate, nowMs: number): AttemptLimits {
    const { connectMs, idleMs, totalMs } = this.#context.options.timeout;
    const { streaming } = this.#request;
    (streaming ? candidate.firstTokenLimit : candidate.totalLimit).touch(nowMs);
    const total = streaming ? totalMs : candidate.totalLimit.limitMs;
    return {
      connectMs,
      idleMs,
      firstTokenMs: candidate.firstTokenLimit.limitMs,
      totalMs: Math.min(total, this.#deadlineMs - nowMs),
    };
  }

  /** Writes into timeline and events what follows from the last failure; once per failure. */
  #announce(candidate: Candidate, nowMs: number): void {
    const last = this.#last;
    if (!last) return;
    this.#last = undefined;
    const { events, options } = this.#context;
    if (candidate === last.candidate) {
      const { delayMs } = last;
      this.#timeline.noteNext(`retry in ${Math.round(delayMs)} ms`);
      events.emit({
        type: "retry",
        callId: this.id,
        candidate: candidate.name,
        delayMs,
        hinted: last.failure.waitHintMs !== undefined,
      });
      return;
    }
    // A pause the provider asked for is respected as it is.
    if (failurePolicies[last.failure.kind].avoid && last.failure.waitHintMs === undefined) {
      last.candidate.avoidedUntilMs = nowMs + options.fallback.stickyMs;
    }
    this.#timeline.noteNext(`fall back to ${candidate.name}`);
    events.emit({
      type: "fallback",
      callId: this.id,
      from: last.candidate.name,
      to: candidate.name,
      because: last.failure,
    });
  }

  /** The failure of a call that never got to send anything; `undefined` if a budget refused it. */
  #describeUnsent(stoppedBecause: string): Failure | undefined {
    if (stoppedBecause === this.#refusal) return undefined;
    const names = this.#context.candidates.map((candidate) => candidate.name).join(", ");
    return {
      kind: "rate-limited",
      message: `None of ${names} may be called before the deadline: all have to wait for their rate limits`,
      nextStep:
        "Raise retry.deadlineMs or rateLimit, or add a candidate with another key or provider.",
    };
  }

  #describeDeadline(): string {
    return `the deadline of ${this.#context.options.retry.deadlineMs} ms (retry.deadlineMs) is reached`;
  }

  #createError(stoppedBecause: string): Error {
    const failure = this.#decidingFailure ?? this.#describeUnsent(stoppedBecause);
    if (!failure) return new BudgetExceededError(`${stoppedBecause}. Nothing was sent.`);
    // These two say what is wrong with the prompt, whoever was asked.
    const promptAtFault = failure.kind === "context-length" || failure.kind === "content-filter";
    const sole = promptAtFault || this.#final !== undefined;
    return this.#timeline.createError(failure, stoppedBecause, sole, this.#partial);
  }
}
