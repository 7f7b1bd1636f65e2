import type { ChatRequest } from "./chat-protocol.ts";

/** How a model's server turns a request down. */
export interface Refusal {
  status: 429 | 503;
  /** How long it asks to be left alone, told in the header `retry-after-ms`. */
  pauseMs: number;
}

/** Which requests to one model are turned down, and how. */
export interface OutagePlan {
  model: string;
  /** By the number of the request among those to this model, counted from 1. */
  refusals: readonly (Refusal & { from: number; to: number })[];
}

/** A request that was turned down on purpose. */
export interface RefusedRequest extends Refusal {
  model: string;
}

/**
 * Turns requests down as planned, and keeps count. It counts requests instead of seconds, so that a
 * run goes the same way on a slow machine and on a fast one.
 */
export class Outage {
  readonly #plan: OutagePlan | undefined;
  readonly #refused: RefusedRequest[] = [];
  #requests = 0;

  /** @param plan - Without one nothing is refused. */
  constructor(plan?: OutagePlan) {
    this.#plan = plan;
  }

  /** What was turned down so far, oldest first. */
  get refused(): readonly RefusedRequest[] {
    return this.#refused;
  }

  /** Counts a request, and says how to turn it down; `undefined` lets it through. */
  refuse({ model }: ChatRequest): Refusal | undefined {
    if (model !== this.#plan?.model) return undefined;
    this.#requests += 1;
    const planned = this.#plan.refusals.find(
      ({ from, to }) => from <= this.#requests && this.#requests <= to,
    );
    if (planned) this.#refused.push({ model, status: planned.status, pauseMs: planned.pauseMs });
    return planned;
  }
}
