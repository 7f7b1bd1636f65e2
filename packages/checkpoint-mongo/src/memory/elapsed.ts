/** A moment by both clocks of this process. */
export interface Moment {
  /** Only goes forward, but stands still while the machine sleeps. */
  readonly monotonicMs: number;
  /** Counts while the machine sleeps, but may be set. */
  readonly wallMs: number;
}

export function takeMoment(): Moment {
  return { monotonicMs: performance.now(), wallMs: Date.now() };
}

/** The longest time that may have passed since a moment, in milliseconds. */
export function measureSince({ monotonicMs, wallMs }: Moment): number {
  return Math.max(performance.now() - monotonicMs, Date.now() - wallMs);
}
