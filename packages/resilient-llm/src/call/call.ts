import { randomUUID } from "node:crypto";
import type { BaseMessage } from "@langchain/core/messages";
import type { AttemptLimits } from "../attempt/attempt-scope.ts";
import type { Candidate } from "../candidate/candidate.ts";
import { priceUsage } from "../cost/pricing.ts";
import { noUsage } from "../cost/token-usage.ts";
import { BudgetExceededError } from "../errors/budget-exceeded-error.ts";
import type { ModelCallError, PartialAnswer } from "../errors/model-call-error.ts";
import type { Failure } from "../failure/failure.ts";
import { failurePolicies } from "../failure/failure-policy.ts";
import { fullJitterDelayMs } from "../retry/backoff.ts";
import type { AttemptReference } from "../telemetry/events.ts";
import { sleep } from "../time/sleep.ts";
import { type Admission, admitAttempt } from "./admit-attempt.ts";
import type { AttemptOutcome } from "./attempt-outcome.ts";
import type { AttemptRecord } from "./attempt-record.ts";
import type { CallContext, CallRequest } from "./call-context.ts";
import { CallTimeline } from "./call-timeline.ts";
import { chooseCandidate, type Choice } from "./choose-candidate.ts";
import { FittedPrompt } from "./fitted-prompt.ts";
import type { PreparedAttempt } from "./prepared-attempt.ts";

/** What one candidate has seen of this call. */
interface Visit {
  attempts: number;
  /** No attempt before this, in ms since the epoch. */
  notBeforeMs: number;
  /** The next attempt is a retry and must be paid for from the retry quota. */
  owesRetry: boolean;
}

/**
 * One call of the model over all its attempts: which candidate is asked next and when, and what
 * follows from how an attempt ended. It makes no attempts itself; `invoke` and `stream` do, each in
 * its way.
 */
export class Call {
  readonly id: string = randomUUID();
  readonly #context: CallContext;
  readonly #request: CallRequest;
  readonly #deadlineMs: number;
  readonly #timeline: CallTimeline;
  readonly #prompt: FittedPrompt;
  readonly #visits = new Map<Candidate, Visit>();
  readonly #excluded = new Set<Candidate>();
  /** The candidate to stay with for the next attempt. */
  #retrying: Candidate | undefined;
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
      const choice = this.#choose(nowMs);
      if (!choice) return this.#createError(this.#refusal ?? "no candidate is left");
      if (choice.notBeforeMs >= this.#deadlineMs)
        return this.#createError(this.#describeDeadline());
      this.#announce(choice.candidate, nowMs);
      if (choice.notBeforeMs > nowMs) {
        await sleep(clock, choice.notBeforeMs - nowMs, this.#request.signal);
        continue;
      }
      const { candidate } = choice;
      const visit = this.#visits.get(candidate);
      if (visit?.owesRetry && !candidate.retryQuota.tryTake()) {
        this.#excluded.add(candidate);
        this.#refusal = `the retry quota of ${candidate.name} is used up, other calls fail too`;
        continue;
      }
      if (visit) visit.owesRetry = false;
      const messages = [...this.#prompt.messages, ...extraMessages];
      const prepared = await this.#admit(candidate, messages);
      if (prepared) return prepared;
    }
  }

  /** Books how an attempt ended and decides what comes next; {@link prepare} carries it out. */
  finish(attempt: PreparedAttempt, outcome: AttemptOutcome<unknown>): void {
    const { candidate, reference } = attempt;
    const costUsd =
      outcome.usage === noUsage
        ? 0
        : priceUsage(outcome.usage, candidate.endpoint.model, candidate.pricing);
    const tokens = outcome.usage.inputTokens + outcome.usage.outputTokens;
    attempt.reservation.settle({ costUsd, tokens });
    this.#context.costs.book({
      candidate: candidate.name,
      spender: this.#request.spender,
      usage: outcome.usage,
      costUsd,
      outcome: outcome.status,
      opensCall: reference.attempt === 1,
    });
    this.#timeline.add(attempt, outcome, costUsd);
    const result = {
      ...reference,
      durationMs: outcome.durationMs,
      firstTokenMs: outcome.firstTokenMs,
      usage: outcome.usage,
      costUsd,
    };
    const { events } = this.#context;
    if (outcome.status === "succeeded") {
      events.emit({ type: "attempt-succeeded", ...outcome.facts, ...result });
      this.#succeed(candidate, outcome);
    } else if (outcome.status === "failed") {
      events.emit({ type: "attempt-failed", failure: outcome.failure, ...result });
      this.#fail(attempt, outcome.failure, outcome.durationMs);
    } else {
      events.emit({ type: "attempt-aborted", ...result });
      candidate.breaker.release(attempt.isProbe);
      // The slot wasn't used to the end; a limiter that can't be reached mustn't mask the abort.
      attempt.giveBackRate().catch(() => undefined);
    }
  }

  /** Keeps what was handed out, for the error if no attempt completes the answer. */
  keepPartial(partial: PartialAnswer): void {
    this.#partial = partial;
  }

  /** No further attempt: the answer can't be taken up again. */
  interrupt(failure: Failure, partial: PartialAnswer): ModelCallError {
    return this.#timeline.createInterruption(failure, partial);
  }

  #succeed(
    candidate: Candidate,
    outcome: AttemptOutcome<unknown> & { readonly status: "succeeded" },
  ): void {
    if (outcome.exhaustedForMs !== undefined) {
      candidate.block(this.#context.options.clock.now() + outcome.exhaustedForMs);
    }
    candidate.breaker.succeed();
    candidate.avoidedUntilMs = 0;
    const visit = this.#visits.get(candidate);
    candidate.retryQuota.giveBack((visit?.attempts ?? 1) - 1);
    if (outcome.firstTokenMs !== undefined) candidate.firstTokenLimit.record(outcome.firstTokenMs);
    else if (!this.#request.streaming) candidate.totalLimit.record(outcome.durationMs);
  }

  #fail(attempt: PreparedAttempt, failure: Failure, durationMs: number): void {
    const { candidate, isProbe } = attempt;
    const { clock, fallback, retry, random } = this.#context.options;
    const nowMs = clock.now();
    const policy = failurePolicies[failure.kind];
    if (policy.breaker) candidate.breaker.fail(nowMs, isProbe);
    // An error that never left this process says nothing; any other answer shows it's there.
    else if (failure.kind === "unknown") candidate.breaker.release(isProbe);
    else if (candidate.breaker.openedAtMs !== undefined) candidate.breaker.succeed();
    if (failure.kind === "timeout") this.#recordTimeout(attempt, failure, durationMs);
    if (failure.waitHintMs !== undefined) candidate.block(nowMs + failure.waitHintMs);
    this.#last = { candidate, failure, delayMs: 0 };
    this.#decidingFailure = failure;
    this.#retrying = undefined;

    if (failure.kind === "context-length") {
      this.#makeFit(candidate, failure);
      return;
    }
    if (failure.kind === "content-filter") {
      for (const other of this.#context.candidates) {
        if (other.provider === candidate.provider) this.#excluded.add(other);
      }
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
    const visit = this.#visit(candidate);
    if (!policy.retry || visit.attempts > retry.maxRetries) {
      this.#excluded.add(candidate);
      return;
    }
    visit.owesRetry = true;
    const delayMs = failure.waitHintMs ?? fullJitterDelayMs(visit.attempts - 1, retry, random);
    visit.notBeforeMs = nowMs + delayMs;
    this.#last.delayMs = delayMs;
    // No use in staying; the choice goes to whoever can answer before the deadline.
    if (visit.notBeforeMs >= this.#deadlineMs) return;
    const othersHealthy = this.#eligible().some(
      (other) => other !== candidate && other.isHealthy(nowMs),
    );
    const betterElsewhere = delayMs > retry.maxDelayMs || !candidate.breaker.permits(nowMs);
    if (!(othersHealthy && betterElsewhere)) this.#retrying = candidate;
  }

  /** After a context-length error: the same candidate with a trimmed prompt, else larger windows. */
  #makeFit(candidate: Candidate, failure: Failure): void {
    const { trimOnOverflow } = this.#context.options.context;
    const windowTokens = failure.windowTokens ?? candidate.contextWindowTokens;
    if (trimOnOverflow && this.#prompt.shrink(windowTokens)) {
      this.#visit(candidate).notBeforeMs = 0;
      this.#retrying = candidate;
      return;
    }
    this.#prompt.restore();
    const exceeded = candidate.contextWindowTokens ?? failure.windowTokens ?? 0;
    for (const other of this.#context.candidates) {
      const isLarger = (other.contextWindowTokens ?? 0) > exceeded;
      if (other === candidate || !isLarger) this.#excluded.add(other);
    }
  }

  #recordTimeout(
    { candidate, limits }: PreparedAttempt,
    failure: Failure,
    durationMs: number,
  ): void {
    if (failure.phase === "first-token") {
      candidate.firstTokenLimit.recordTimeout(limits.firstTokenMs);
    } else if (failure.phase === "total" && !this.#request.streaming) {
      candidate.totalLimit.recordTimeout(durationMs);
    }
  }

  #eligible(): Candidate[] {
    return this.#context.candidates.filter((candidate) => !this.#excluded.has(candidate));
  }

  #choose(nowMs: number): Choice | undefined {
    const retrying = this.#retrying;
    if (retrying && !this.#excluded.has(retrying)) {
      const { notBeforeMs } = this.#visit(retrying);
      // Others may have found out meanwhile that it's down.
      const others = this.#eligible().some((one) => one !== retrying && one.isHealthy(nowMs));
      if (notBeforeMs > nowMs || retrying.breaker.permits(nowMs) || !others) {
        return { candidate: retrying, notBeforeMs };
      }
    }
    const choice = chooseCandidate(this.#eligible(), nowMs, this.#deadlineMs);
    if (!choice) return undefined;
    const notBeforeMs = this.#visits.get(choice.candidate)?.notBeforeMs ?? 0;
    return { ...choice, notBeforeMs: Math.max(choice.notBeforeMs, notBeforeMs) };
  }

  /** Passes rate limit and budget; `undefined` sends the caller back to choose again. */
  async #admit(
    candidate: Candidate,
    messages: BaseMessage[],
  ): Promise<PreparedAttempt | undefined> {
    const { options, events } = this.#context;
    // Before anything is awaited: of many calls that found the probe due, one may make it.
    const isProbe = candidate.breaker.begin();
    let admission: Admission | undefined;
    try {
      admission = await admitAttempt(this.#context, this.#request, candidate, messages);
    } finally {
      if (admission?.verdict !== "granted") candidate.breaker.release(isProbe);
    }
    if (admission.verdict === "refused") {
      this.#excluded.add(candidate);
      this.#refusal = admission.refusal;
      return undefined;
    }
    if (admission.verdict === "wait") {
      candidate.block(options.clock.now() + admission.waitMs);
      // The slot is asked for again after the wait; the retry has been paid for already.
      if (this.#retrying === candidate) {
        this.#visit(candidate).notBeforeMs = candidate.blockedUntilMs;
      }
      return undefined;
    }
    const startedAtMs = options.clock.now();
    this.#visit(candidate).attempts += 1;
    const reference: AttemptReference = {
      callId: this.id,
      attempt: this.#timeline.records.length + 1,
      candidate: candidate.name,
      model: candidate.endpoint.model,
      provider: candidate.provider,
      baseUrl: candidate.endpoint.baseUrl,
    };
    events.emit({ type: "attempt-started", streaming: this.#request.streaming, ...reference });
    return {
      reference,
      candidate,
      messages,
      limits: this.#limitsFor(candidate, startedAtMs),
      startedAtMs,
      isProbe,
      reservation: admission.reservation,
      giveBackRate: admission.giveBackRate,
    };
  }

  #limitsFor(candidate: Candidate, nowMs: number): AttemptLimits {
    const { connectMs, idleMs, totalMs } = this.#context.options.timeout;
    const total = this.#request.streaming ? totalMs : candidate.totalLimit.limitMs;
    return {
      connectMs,
      idleMs,
      firstTokenMs: candidate.firstTokenLimit.limitMs,
      totalMs: Math.min(total, this.#deadlineMs - nowMs),
    };
  }

  #visit(candidate: Candidate): Visit {
    let visit = this.#visits.get(candidate);
    if (!visit) {
      visit = { attempts: 0, notBeforeMs: 0, owesRetry: false };
      this.#visits.set(candidate, visit);
    }
    return visit;
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
