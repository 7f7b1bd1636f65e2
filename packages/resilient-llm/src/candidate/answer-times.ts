import type { TokenUsage } from "../cost/token-usage.ts";
import type { AdaptiveTimeout } from "./adaptive-timeout.ts";
import { measureRequest } from "./request-size.ts";

/** Where a request does not bound its answer, an answer of this length has to have the time it takes. */
const LONG_ANSWER_TOKENS = 8192;
/** The same for a model that thinks before it answers. */
const LONG_THOUGHT_TOKENS = 32_768;
/** An answer with so much thinking shows that the model reasons. A few tokens may be miscounted. */
const REASONING_TOKENS = 100;

/** Weight of the latest answer in the average of recent ones. */
const RECENT_SHARE = 0.1;

/** What a request asks for, as far as it decides how long the answer takes. */
export interface AskedSize {
  readonly promptTokens: number;
  /** No answer is longer, in tokens. `undefined`: the request does not say. */
  readonly maxOutputTokens: number | undefined;
}

/** How long an answer took. */
export interface AnswerTime {
  readonly asked: AskedSize;
  readonly usage: TokenUsage | undefined;
  readonly durationMs: number;
  /** `undefined` if the answer came in one piece. */
  readonly firstTokenMs: number | undefined;
  /** The answer was handed on as a stream, so whoever read it may have taken part of the time. */
  readonly streaming: boolean;
}

/** The limits of one phase, for models that do not reason and for those that do. */
export interface PhaseLimit {
  readonly limit: AdaptiveTimeout;
  /** The ceiling for a model that reasons, in ms. */
  readonly reasoningCeilingMs: number;
}

/**
 * How long the answers of one candidate take, and how long the next one may take: until its first token
 * by the length of the prompt, as a whole by the length of the answer too.
 */
export class AnswerTimes {
  readonly #firstToken: PhaseLimit;
  readonly #total: PhaseLimit;
  #reasons = false;
  #recentTotalMs: number | undefined;

  /** @param reasons The model is known to think before it answers. Else its answers may show it. */
  constructor(firstToken: PhaseLimit, total: PhaseLimit, reasons: boolean) {
    this.#firstToken = firstToken;
    this.#total = total;
    if (reasons) this.#noteReasoning();
  }

  /** The model is known to think before it answers. */
  get reasons(): boolean {
    return this.#reasons;
  }

  /** The longest that any answer may take, in ms. */
  get longestMs(): number {
    return this.#total.limit.ceilingMs;
  }

  /** Limit for the first token, in ms. */
  firstTokenLimitMs(asked: AskedSize): number {
    return this.#firstToken.limit.limitFor(this.#sizeFirstToken(asked));
  }

  /** Limit for a whole answer that comes in one piece, in ms. */
  totalLimitMs(asked: AskedSize): number {
    const limitMs = this.#total.limit.limitFor(this.#sizeAnswer(asked));
    if (!this.#firstToken.limit.isWarm) return limitMs;
    // Long answers to short prompts say little about a short answer to a long one. First tokens do.
    return Math.max(limitMs, Math.min(this.firstTokenLimitMs(asked), this.longestMs));
  }

  /** How long whole answers took of late on average, whatever their length, in ms. */
  get recentTotalMs(): number | undefined {
    return this.#recentTotalMs;
  }

  /** How long such an answer usually takes, if it is as long as asked for, in ms. */
  usualTotalMs(asked: AskedSize): number {
    return this.#total.limit.usualFor(this.#sizeAnswer(asked));
  }

  /** The time that a share of `quantile` (0 to 1) stays below, in ms. `undefined`: too few are known. */
  quantileMs(streaming: boolean, quantile: number, asked: AskedSize): number | undefined {
    return streaming
      ? this.#firstToken.limit.quantileMs(quantile, this.#sizeFirstToken(asked))
      : this.#total.limit.quantileMs(quantile, this.#sizeAnswer(asked));
  }

  /** Exchanges what is known with other processes in the background, if that is due. */
  exchange(streaming: boolean, nowMs: number): void {
    this.#firstToken.limit.touch(nowMs);
    if (!streaming) this.#total.limit.touch(nowMs);
  }

  /** Learns from an answer. */
  learn({ asked, durationMs, firstTokenMs, streaming, usage }: AnswerTime): void {
    const thoughtTokens = usage?.reasoningTokens ?? 0;
    if (thoughtTokens >= REASONING_TOKENS && !this.#reasons) this.#noteReasoning();
    const { promptTokens } = asked;
    if (firstTokenMs !== undefined) {
      // Where thinking is not shown, the first token comes after all of it.
      this.#firstToken.limit.record(firstTokenMs, measureRequest(promptTokens, thoughtTokens));
    }
    if (!streaming) {
      const size = measureRequest(promptTokens, usage?.outputTokens ?? 0);
      this.#total.limit.record(durationMs, size);
      const recentMs = this.#recentTotalMs ?? durationMs;
      this.#recentTotalMs = recentMs + (durationMs - recentMs) * RECENT_SHARE;
    }
  }

  /** Learns that nothing had come after `waitedMs`: neither a first token nor, in one piece, the answer. */
  learnLateness(streaming: boolean, asked: AskedSize, waitedMs: number): void {
    const size = streaming ? this.#sizeFirstToken(asked) : this.#sizeAnswer(asked);
    this.#limitOf(streaming).recordCensored(waitedMs, size);
  }

  #limitOf(streaming: boolean): AdaptiveTimeout {
    return (streaming ? this.#firstToken : this.#total).limit;
  }

  #sizeFirstToken({ maxOutputTokens, promptTokens }: AskedSize): number {
    return measureRequest(
      promptTokens,
      this.#reasons ? (maxOutputTokens ?? LONG_THOUGHT_TOKENS) : 0,
    );
  }

  #sizeAnswer({ maxOutputTokens, promptTokens }: AskedSize): number {
    const longest = this.#reasons ? LONG_THOUGHT_TOKENS : LONG_ANSWER_TOKENS;
    return measureRequest(promptTokens, maxOutputTokens ?? longest);
  }

  #noteReasoning(): void {
    this.#reasons = true;
    for (const { limit, reasoningCeilingMs } of [this.#firstToken, this.#total]) {
      limit.raiseCeiling(reasoningCeilingMs);
    }
  }
}
