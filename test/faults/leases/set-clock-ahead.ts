/** Sets the clock of this process, as if the machine's were wrong. Timers and the monotonic clock stay right. */
export function setClockAhead(aheadMs: number): void {
  const Real = Date;
  const now = (): number => Real.now() + aheadMs;
  const Shifted = new Proxy(Real, {
    construct: (target, given: unknown[], newTarget) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as Date,
    get: (target, property): unknown =>
      property === "now" ? now : Reflect.get(target, property, target),
  });
  globalThis.Date = Shifted;
}
