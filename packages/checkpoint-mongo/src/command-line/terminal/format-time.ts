const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ["y", 31_557_600],
  ["mo", 2_629_800],
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
];

/** A length of time for people, by its largest unit, for example `3 h`. */
export function formatSpan(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  const [name, size] = UNITS.find(([, unit]) => seconds >= unit) ?? ["s", 1];
  return `${Math.floor(seconds / size)} ${name}`;
}

/** A moment as people say it, for example `3 h ago`. */
export function formatMoment(at: Date, nowMs: number): string {
  const pastMs = nowMs - at.getTime();
  if (Math.abs(pastMs) < 1_000) return "now";
  return pastMs > 0 ? `${formatSpan(pastMs)} ago` : `in ${formatSpan(-pastMs)}`;
}
