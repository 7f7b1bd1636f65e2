import type { Bar } from "./bar-chart.ts";

const DAY_MS = 86_400_000;
const DAY_CHARS = "2026-11-27".length;

/** Days on which nothing was spent have a bar, too. The others are in their order. */
export function fillDays(days: readonly Bar[]): readonly Bar[] {
  const [first] = days;
  const last = days.at(-1);
  if (first === undefined || last === undefined) return [];
  const values = new Map(days.map(({ label, value }) => [label, value]));
  const count = (Date.parse(last.label) - Date.parse(first.label)) / DAY_MS + 1;
  return Array.from({ length: count }, (_, index) => {
    const day = new Date(Date.parse(first.label) + index * DAY_MS);
    const label = day.toISOString().slice(0, DAY_CHARS);
    return { label, value: values.get(label) ?? 0 };
  });
}
