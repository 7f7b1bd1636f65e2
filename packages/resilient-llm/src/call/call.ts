import type { BaseMessage } from "@langchain/core/messages";
import type { AttemptOutcome } from "../attempt/attempt-outcome.ts";
import type { PreparedAttempt } from "../attempt/prepared-attempt.ts";
import type { Candidate } from "../candidate/candidate.ts";
import { estimatePromptTokens } from "../context/estimate-tokens.ts";
import { measurePromptTokens } from "../context/prompt-size.ts";
import type { WaitBounds } from "../cost/budget-book.ts";
import { createEstimatedUsage, type TokenUsage } from "../cost/token-usage.ts";
import { BudgetExceededError } from "../errors/budget-exceeded-error.ts";
import { type PartialAnswer, StreamInterruptedError } from "../errors/model-call-error.ts";
import type { AttemptRecord } from "../failure/attempt-record.ts";
import type { Failure } from "../failure/failure.ts";
import { DEFAULT_CEILING_MS, REASONING_TOTAL_MS } from "../options/default-ceilings.ts";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import type { EventHub } from "../events/events.ts";
import { sleep } from "../time/sleep.ts";
import { type Admission, admitAttempt, type Grant, withdrawGrant } from "./admit-attempt.ts";
import { expectUsualLength, measureAsked } from "./asked-size.ts";
import { CallBooks } from "./call-books.ts";
import type { CallRequest } from "./call-request.ts";
import { chooseLimits } from "./choose-limits.ts";
import { createEndError } from "./create-end-error.ts";
import { drawOrder } from "./draw-order.ts";
import { FittedPrompt } from "./fitted-prompt.ts";
import type { PromptAddition } from "./prompt-addition.ts";
import { Route } from "./route.ts";
import type { SharedState } from "./shared-state.ts";

/** The failure of an attempt and what follows from it. */
interface LastFailure {
  readonly candidate: Candidate;
  readonly failure: Failure;
  delayMs: number;
  /** What follows from it has been booked. */
  isAnnounced: boolean;
}

/** How long a call may take: as long as the slowest model of the chain unless the options say so. */
function allowTime({ candidates, options }: SharedState): number {
  if (options.retry.deadlineMs !== undefined) return options.retry.deadlineMs;
  return candidates.some(({ reasons }) => reasons) ? REASONING_TOTAL_MS : DEFAULT_CEILING_MS;
}

/** The order in which a call asks. Where each model has one endpoint, it is that of the chain. */
function arrange(
  { candidates, models, options }: SharedState,
  { messages }: CallRequest,
  nowMs: number,
): readonly Candidate[] {
  if (models.length === candidates.length) return candidates;
  return drawOrder(models, () => measurePromptTokens(messages), nowMs, options.random);
}

/** An attempt was ended because another candidate answered first. */
export interface Loss {
  /** It began before the other one. */
  readonly wasLate: boolean;
}

/**
 * One call of the model over all its attempts: which candidate is asked next and when, and what
 * follows from how an attempt ended. It makes no attempts itself. That is done in `answer/`, each way
 * of answering in its own file.
 */
export class Call {
  /** What is asked, and by whom. */
  readonly request: CallRequest;
  readonly #shared: SharedState;
  readonly #allowedMs: number;
  readonly #deadlineMs: number;
  readonly #books: CallBooks;
  readonly #prompt: FittedPrompt;
  readonly #route: Route;
  #attempts = 0;
  #last: LastFailure | undefined;
  #refusal: string | undefined;
  #partial: PartialAnswer | undefined;

  constructor(shared: SharedState, request: CallRequest) {
    this.request = request;
    this.#shared = shared;
    const { clock, context } = shared.options;
    const nowMs = clock.now();
    this.#allowedMs = allowTime(shared);
    this.#deadlineMs = nowMs + this.#allowedMs;
    this.#route = new Route(arrange(shared, request, nowMs), shared.options, this.#deadlineMs);
    this.#books = new CallBooks(shared, request, nowMs);
    this.#prompt = new FittedPrompt(request.messages, context.maxPromptTokens, (result) =>
      this.#books.noteTrim(result),
    );
    shared.hedgeQuota?.countCall();
  }

  /** Unique per call. */
  get id(): string {
    return this.#books.callId;
  }

  get options(): ResolvedOptions {
    return this.#shared.options;
  }

  get events(): EventHub {
    return this.#shared.events;
  }

  /** The timeline so far. */
  get records(): readonly AttemptRecord[] {
    return this.#books.records;
  }

  /** Whether a late attempt may meet a second one. */
  get isHedged(): boolean {
    return this.#shared.hedgeQuota !== undefined && this.#shared.candidates.length > 1;
  }

  /**
   * The next attempt once it may be made, after any wait that is due, or the error that ends the call.
   *
   * @param createAddition What the chosen candidate is sent after the prompt. By default nothing.
   * @throws the reason of the caller's signal, at once when it aborts.
   */
  async prepare(
    createAddition?: (candidate: Candidate) => PromptAddition | undefined,
  ): Promise<PreparedAttempt | Error> {
    const { clock } = this.options;
    for (;;) {
      this.request.signal?.throwIfAborted();
      const nowMs = clock.now();
      if (nowMs >= this.#deadlineMs) return this.#giveUp(this.#describeDeadline(), true);
      const { deadEnd } = this.#route;
      if (deadEnd !== undefined) return this.#giveUp(deadEnd, true);
      const choice = this.#route.choose(nowMs);
      if (!choice) return this.#giveUp(this.#refusal ?? "no candidate is left");
      const { candidate } = choice;
      const comesTooLate = choice.notBeforeMs >= this.#deadlineMs;
      // The provider's hint may be wrong. The call has nothing to lose: it asks once all the same.
      const asksEarly = comesTooLate && this.#route.mayAskEarly(candidate);
      if (comesTooLate && !asksEarly) return this.#giveUp(this.#describeDeadline());
      this.#announce(candidate, nowMs);
      if (choice.notBeforeMs > nowMs && !asksEarly) {
        await sleep(clock, choice.notBeforeMs - nowMs, this.request.signal);
        continue;
      }
      const visit = this.#route.visit(candidate);
      if (visit.owesRetry && !candidate.tryRetry()) {
        this.#route.exclude(candidate);
        this.#refusal = `the retry quota of ${candidate.name} is used up, other calls fail too`;
        continue;
      }
      visit.owesRetry = false;
      const addition = createAddition?.(candidate);
      const messages = [...this.#prompt.messages, ...(addition?.messages ?? [])];
      const asked = this.#admit(candidate, messages, {
        clock,
        deadlineMs: this.#deadlineMs,
        signal: this.request.signal,
      });
      const admission = asked instanceof Promise ? await asked : asked;
      const acceptsEmpty = this.options.emptyAnswer === "accept" || addition?.acceptsEmpty === true;
      if (admission.verdict === "granted") {
        return this.#begin(candidate, messages, acceptsEmpty, admission);
      }
      if (admission.verdict === "refused") {
        this.#route.exclude(candidate);
        this.#refusal = admission.refusal;
        // It may have waited for the budget until now. That says more than the deadline.
        if (clock.now() >= this.#deadlineMs) return this.#giveUp(this.#refusal);
        continue;
      }
      const askedAtMs = clock.now();
      candidate.block(askedAtMs + admission.waitMs, askedAtMs);
      // After the wait the slot is asked for again. The retry has been paid for already.
      if (this.#route.isStaying(candidate)) visit.notBeforeMs = candidate.blockedUntilMs;
    }
  }

  /** How long an attempt may take before it counts as late, in ms. `undefined`: as long as it likes. */
  hedgeDelayMs({ asked, candidate, streaming }: PreparedAttempt): number | undefined {
    const { hedge } = this.options;
    if (!hedge || hedge.afterMs !== undefined) return hedge?.afterMs;
    const usual = expectUsualLength(candidate, asked);
    return candidate.latencyQuantileMs(streaming, hedge.quantile, usual);
  }

  /**
   * A second attempt beside one that is late, on another endpoint of its model or the next model, whichever
   * could answer at once. `undefined` if there is none, or quota, rate limit or budget have no room for it.
   *
   * @param isStillLate Asked again right before the attempt begins.
   */
  async prepareHedge(
    late: PreparedAttempt,
    afterMs: number,
    isStillLate: () => boolean,
  ): Promise<PreparedAttempt | undefined> {
    const { hedgeQuota, options } = this.#shared;
    const candidate = this.#route.findHedge(late.candidate, options.clock.now());
    // One that has failed in this call has its own backoff to keep.
    if (!candidate || this.#route.visit(candidate).attempts > 0) return undefined;
    if (!hedgeQuota?.tryTake()) return undefined;
    let admission: Admission | undefined;
    try {
      admission = await this.#admit(candidate, late.messages, undefined);
    } catch {
      // The first attempt is under way. What only the second one meets must not end the call.
    }
    if (admission?.verdict !== "granted" || !isStillLate()) {
      if (admission?.verdict === "granted") withdrawGrant(candidate, admission);
      hedgeQuota.giveBack();
      return undefined;
    }
    this.#books.noteHedge(late.candidate, candidate, afterMs);
    return this.#begin(candidate, late.messages, late.acceptsEmpty, admission);
  }

  /** Of two attempts one has failed: the call continues with the one on `candidate`. */
  relyOn(candidate: Candidate): void {
    this.#announce(candidate, this.options.clock.now());
    this.#route.moveOn();
  }

  /** Books how an attempt ended and decides what comes next. {@link prepare} carries it out. */
  finish(attempt: PreparedAttempt, outcome: AttemptOutcome<unknown>, loss?: Loss): void {
    const { asked, candidate, isProbe, streaming } = attempt;
    const { durationMs, firstTokenMs, usage } = outcome;
    if (loss) {
      const wasAsked = outcome.simulatedFault?.isAsked !== false;
      const paid = outcome.usage ?? (wasAsked ? estimatePrompt(attempt) : undefined);
      this.#books.finish(attempt, { ...outcome, usage: paid });
      this.#books.noteNext("ended, another candidate was quicker");
      const usual = expectUsualLength(candidate, asked);
      const { wasLate } = loss;
      candidate.lost({ asked: usual, streaming, durationMs, isProbe, wasLate });
      return;
    }
    this.#books.finish(attempt, outcome);
    const nowMs = this.options.clock.now();
    if (outcome.status === "succeeded") {
      const retries = this.#route.visit(candidate).attempts - 1;
      const exhaustedForMs =
        outcome.exhaustedForMs && this.#boundHint(candidate, outcome.exhaustedForMs);
      const { startedAtMs } = attempt;
      const times = { asked, streaming, startedAtMs, durationMs, firstTokenMs, usage };
      candidate.succeeded({ ...times, retries, exhaustedForMs }, nowMs);
    } else if (outcome.status === "failed") {
      const { waitHintMs: hintMs } = outcome.failure;
      const failure =
        hintMs === undefined
          ? outcome.failure
          : { ...outcome.failure, waitHintMs: this.#boundHint(candidate, hintMs) };
      const firstTokenLimitMs = attempt.limits.firstTokenMs;
      const report = { asked, streaming, durationMs, failure, isProbe, firstTokenLimitMs };
      candidate.failed(report, nowMs);
      this.#follow(candidate, failure, durationMs, nowMs);
    } else {
      candidate.release(isProbe);
      // The slot was not used to the end. A limiter that cannot be reached must not mask the abort.
      attempt.giveBackRate().catch(() => undefined);
    }
  }

  /** Asks this candidate first, if it is in the chain: it has the answer already, or part of it. */
  prefer(name: string): void {
    const candidate = this.#shared.candidates.find((other) => other.name === name);
    if (candidate) this.#route.askAgain(candidate);
  }

  /** Keeps what was handed out, for the error if no attempt completes the answer. */
  keepPartial(partial: PartialAnswer): void {
    this.#partial = partial;
  }

  /** The error of a stream that broke off and cannot be taken up again. */
  interrupt(
    failure: Failure,
    partial: PartialAnswer,
    stoppedBecause: string,
  ): StreamInterruptedError {
    this.#books.noteNext("give up: the stream had begun");
    const { records: attempts } = this;
    const details = { failure, attempts, stoppedBecause, partial };
    // What was handed out has ended the call, not what was tried. A caller can throw it away and ask again.
    return new StreamInterruptedError({ ...details, isFinal: false });
  }

  #admit(
    candidate: Candidate,
    messages: readonly BaseMessage[],
    wait: WaitBounds | undefined,
  ): Admission | Promise<Admission> {
    return admitAttempt(this.#shared, this.request, candidate, messages, wait);
  }

  #begin(
    candidate: Candidate,
    messages: BaseMessage[],
    acceptsEmpty: boolean,
    grant: Grant,
  ): PreparedAttempt {
    const { clock, maxResponseBytes, timeout } = this.options;
    const { check, options } = this.request;
    const streaming = this.#isStreamedBy(candidate);
    const asked = measureAsked(candidate, messages, options);
    const startedAtMs = clock.now();
    const leftMs = this.#deadlineMs - startedAtMs;
    const isJournaled = this.options.journal !== undefined && this.request.address !== undefined;
    const { limits, prefersStream } = chooseLimits(
      candidate,
      asked,
      streaming,
      timeout,
      leftMs,
      isJournaled,
    );
    candidate.exchangeLatencies(streaming, startedAtMs);
    candidate.noteSent(asked.promptTokens);
    this.#route.visit(candidate).attempts += 1;
    this.#attempts += 1;
    const attempt: PreparedAttempt = {
      id: grant.attemptId,
      number: this.#attempts,
      candidate,
      messages,
      options,
      asked,
      streaming,
      prefersStream,
      check,
      acceptsEmpty,
      limits,
      maxResponseBytes,
      clock,
      startedAtMs,
      isProbe: grant.isProbe,
      reservation: grant.reservation,
      giveBackRate: grant.giveBackRate,
    };
    this.#books.begin(attempt);
    return attempt;
  }

  /** A candidate that cannot stream gives its whole answer at once, also where a stream is wanted. */
  #isStreamedBy(candidate: Candidate): boolean {
    return this.request.streaming && candidate.inner.canStream;
  }

  /** How much of the wait that a provider asks for is believed, in ms. */
  #boundHint(candidate: Candidate, hintMs: number): number {
    const { maxBlockMs } = this.options.retry;
    if (hintMs <= maxBlockMs) return hintMs;
    this.#books.noteBoundedHint(candidate, hintMs, maxBlockMs);
    return maxBlockMs;
  }

  /** Decides what follows from a failure: the same candidate again, another one, a shorter prompt. */
  #follow(candidate: Candidate, failure: Failure, failedAfterMs: number, nowMs: number): void {
    const last: LastFailure = {
      candidate,
      failure,
      delayMs: 0,
      isAnnounced: false,
    };
    this.#last = last;
    if (failure.kind !== "context-length") {
      last.delayMs = this.#route.fail(candidate, failure, failedAfterMs, nowMs);
      return;
    }
    const windowTokens = failure.windowTokens ?? candidate.contextWindowTokens;
    if (this.options.context.trimOnOverflow && this.#prompt.shrink(windowTokens)) {
      this.#route.askAgain(candidate);
      return;
    }
    this.#prompt.restore();
    this.#route.leaveForLargerWindow(candidate, failure);
  }

  /** Books what follows from the last failure, once, and avoids a candidate that was fallen back from. */
  #announce(candidate: Candidate, nowMs: number): void {
    const last = this.#last;
    if (!last || last.isAnnounced) return;
    last.isAnnounced = true;
    const { delayMs, failure } = last;
    if (candidate === last.candidate) {
      this.#books.noteRetry(candidate, failure, delayMs);
      return;
    }
    this.#route.leave(last.candidate, candidate, nowMs);
    this.#books.noteFallback(last.candidate, candidate, failure);
  }

  #describeDeadline(): string {
    return `the deadline of ${this.#allowedMs} ms (retry.deadlineMs) is reached`;
  }

  /** @param isSole The deciding failure says it all, whatever others said before. */
  #giveUp(stoppedBecause: string, isSole = false): Error {
    const failure = this.#last?.failure ?? this.#describeUnsent(stoppedBecause);
    if (!failure) return new BudgetExceededError(`${stoppedBecause}. Nothing was sent.`);
    this.#books.noteNext(`give up: ${stoppedBecause}`);
    const details = { failure, attempts: this.records, stoppedBecause, partial: this.#partial };
    return createEndError(details, isSole);
  }

  /** The failure of a call that never got to send anything. `undefined`: a budget refused it. */
  #describeUnsent(stoppedBecause: string): Failure | undefined {
    if (stoppedBecause === this.#refusal) return undefined;
    const names = this.#shared.candidates.map((candidate) => candidate.name).join(", ");
    return {
      kind: "rate-limited",
      message: `None of ${names} may be called before the deadline: all have to wait for their rate limits`,
      nextStep:
        "Raise retry.deadlineMs or rateLimit, or add a candidate with another key or provider.",
    };
  }
}

/** The request of an attempt that was ended early was sent, so its prompt counts as paid for. */
function estimatePrompt({ messages }: PreparedAttempt): TokenUsage {
  return createEstimatedUsage({ inputTokens: estimatePromptTokens(messages), outputTokens: 0 });
}
