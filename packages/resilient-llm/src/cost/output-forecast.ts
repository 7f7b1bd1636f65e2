/** Answers that are remembered. */
const WINDOW_SIZE = 100;
/** Of this share of the recent answers, none is longer than what is expected of the next. */
const UPPER_QUANTILE = 0.95;

/** How long the next answer may be, in tokens. */
export interface OutputForecast {
  /** Hardly any answer is longer; with a hard limit, none is. */
  readonly upperTokens: number;
  /** With less room than this, there is no use in asking. */
  readonly leastTokens: number;
}

/** Where nothing is known about a model: a long answer, and a paragraph. */
const UNKNOWN: OutputForecast = { upperTokens: 4096, leastTokens: 128 };

/** Learns from recent answers how long a model's answers usually are. */
export class OutputHistory {
  /** The latest answers, oldest first. */
  readonly #lengths: number[] = [];
  #forecast: OutputForecast | undefined = UNKNOWN;

  /** Remembers an answer of this length. */
  add(tokens: number): void {
    this.#lengths.push(tokens);
    if (this.#lengths.length > WINDOW_SIZE) this.#lengths.shift();
    this.#forecast = undefined;
  }

  /** How long the next answer may be. */
  get forecast(): OutputForecast {
    this.#forecast ??= this.#compute();
    return this.#forecast;
  }

  /**
   * The upper quantile of what was seen, by nearest rank, widened by 1/n: the largest of n draws falls
   * short of the largest possible one by about that much (the estimate m(1 + 1/n) of the German tank
   * problem). So one short answer does not promise short ones.
   */
  #compute(): OutputForecast {
    const sorted = this.#lengths.toSorted((left, right) => left - right);
    const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
    return {
      upperTokens: Math.ceil(at(UPPER_QUANTILE) * (1 + 1 / sorted.length)),
      leastTokens: at(0.5),
    };
  }
}
