import { RunLeaseLostError } from "../errors/run-lease-lost-error.ts";
import type { SaverAccess } from "./access-saver.ts";
import type { HeldLease } from "./run-store.ts";

/** How often a lease is renewed while it would last. Two renewals may fail. */
const RENEWALS_PER_LEASE = 3;

/** How a lease came to its end. */
export type LeaseEnd = "lost" | "cancelled" | "given-back";

/**
 * Renews the lease of a run until it ends. It ends by this process's own monotonic clock at the latest: earlier than
 * on the server, which counts from when the command arrives. So a process that was paused knows it before it asks.
 */
export class LeaseKeeper {
  readonly #access: SaverAccess;
  readonly #lease: HeldLease;
  readonly #ttlMs: number;
  readonly #controller = new AbortController();
  #validUntilMs: number;
  #end: LeaseEnd | undefined;
  #gotFurther = false;
  #renewal: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;

  /** @param takenMs the monotonic clock before the lease was asked for */
  constructor(access: SaverAccess, lease: HeldLease, ttlMs: number, takenMs: number) {
    this.#access = access;
    this.#lease = lease;
    this.#ttlMs = ttlMs;
    this.#validUntilMs = takenMs + ttlMs;
    this.#scheduleExpiry();
    this.#scheduleRenewal();
  }

  /** Aborted when the lease is lost, or the run is cancelled. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** How the lease ended; undefined while it is held. */
  get end(): LeaseEnd | undefined {
    this.#checkClock();
    return this.#end;
  }

  /** Whether the run has stored something since it was taken. */
  get gotFurther(): boolean {
    return this.#gotFurther;
  }

  /** Notes that the run has stored something: it got further. */
  noteProgress(): void {
    this.#gotFurther = true;
  }

  /** @throws RunLeaseLostError if the lease is no longer held */
  assertHeld(): void {
    const { end } = this;
    if (end !== undefined) throw this.#explain(end);
  }

  /** Ends the run because somebody has asked for it. */
  cancel(): void {
    this.#finish("cancelled");
  }

  /** Stops renewing. Nothing may be stored for the run any more. */
  giveBack(): void {
    this.#finish("given-back");
  }

  #finish(end: LeaseEnd): void {
    this.#end ??= end;
    clearTimeout(this.#renewal);
    clearTimeout(this.#expiry);
    if (this.#end !== "given-back") this.#controller.abort(this.#explain(this.#end));
  }

  #checkClock(): void {
    if (this.#end === undefined && performance.now() >= this.#validUntilMs) this.#finish("lost");
  }

  #explain(end: LeaseEnd): RunLeaseLostError {
    const reasons: Record<LeaseEnd, string> = {
      lost: "it was not renewed in time",
      cancelled: "the run was cancelled",
      "given-back": "it was given back",
    };
    return new RunLeaseLostError(this.#lease.runId, reasons[end]);
  }

  #scheduleExpiry(): void {
    clearTimeout(this.#expiry);
    const leftMs = this.#validUntilMs - performance.now();
    this.#expiry = setTimeout(() => this.#checkClock(), Math.max(0, Math.ceil(leftMs)));
  }

  #scheduleRenewal(): void {
    this.#renewal = setTimeout(() => void this.#renew(), this.#ttlMs / RENEWALS_PER_LEASE);
  }

  async #renew(): Promise<void> {
    this.#checkClock();
    if (this.#end !== undefined) return;
    const startedMs = performance.now();
    const gotFurther = this.#gotFurther;
    try {
      const renewed = await this.#access.reach("renewal of a run's lease", ({ store }) =>
        store.renew(this.#lease, this.#ttlMs, gotFurther),
      );
      if (this.#end !== undefined) return;
      if (renewed === undefined) return this.#finish("lost");
      this.#validUntilMs = startedMs + this.#ttlMs;
      this.#checkClock();
      if (this.#end !== undefined) return;
      if (renewed.cancel === true) return this.#finish("cancelled");
      this.#scheduleExpiry();
    } catch {
      // It is tried again, until the lease is over.
    }
    if (this.#end === undefined) this.#scheduleRenewal();
  }
}
