import type { Unit } from "../harness/measurements.ts";

const wholeNumber = new Intl.NumberFormat("en");
const threeDigits = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** A whole number with its thousands apart. */
export function formatCount(value: number): string {
  return wholeNumber.format(value);
}

/** A figure with its unit, with three digits that count. */
export function formatFigure(value: number, unit: Unit): string {
  switch (unit) {
    case "bytes":
      return formatBytes(value);
    case "milliseconds":
      return value >= 10_000 ? `${round(value / 1_000)} s` : `${round(value)} ms`;
    case "per second":
      return `${round(value)} /s`;
    case "count":
      return round(value);
  }
}

function formatBytes(bytes: number): string {
  if (Math.abs(bytes) >= 1e6) return `${round(bytes / 1e6)} MB`;
  if (Math.abs(bytes) >= 1e3) return `${round(bytes / 1e3)} kB`;
  return `${round(bytes)} B`;
}

function round(value: number): string {
  return Math.abs(value) >= 1_000
    ? wholeNumber.format(Math.round(value))
    : threeDigits.format(value);
}
