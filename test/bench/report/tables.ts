import { measurementNames, measurements, type Measurement } from "../harness/measurements.ts";
import type { BenchmarkRun } from "../harness/run-benchmark.ts";
import type { Row } from "../harness/row.ts";
import { saverLabels } from "../harness/savers.ts";
import type { Judgement } from "../harness/target.ts";
import { formatFigure } from "./format-figure.ts";

/** A table, before it is decided how it is drawn. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** The figures of a run, a table for each variant: a line for each figure, a column for each saver. */
export function tabulateFigures({ rows }: BenchmarkRun): Table[] {
  const variants = Map.groupBy(rows, (row) => row.variant);
  return Array.from(variants, ([variant, group]) => tabulateRows(variant, group));
}

function tabulateRows(variant: string | undefined, rows: readonly Row[]): Table {
  const names = measurementNames.filter((name) => rows.some((row) => row[name] !== undefined));
  const lines = names.map((name) => {
    const { label, unit }: Measurement = measurements[name];
    return [label].concat(
      rows.map(({ [name]: value }) => (value === undefined ? "–" : formatFigure(value, unit))),
    );
  });
  const hasErrors = rows.some((row) => row.error !== undefined);
  if (hasErrors)
    lines.push(["failed", ...rows.map((row) => (row.error === undefined ? "" : "yes"))]);
  const columns = rows.map((row) => saverLabels[row.saver]);
  return { head: [variant ?? "", ...columns], rows: lines };
}

/** The targets of a run: what was measured, the limit, and whether it was reached. */
export function tabulateTargets({ judgements }: BenchmarkRun): Table {
  return {
    head: ["target", "measured", "limit", ""],
    rows: judgements.map((judgement) => [
      judgement.goal,
      formatOptional(judgement.measured, judgement),
      formatLimit(judgement),
      judgement.verdict,
    ]),
  };
}

/** What went wrong, a line for each case. */
export function listErrors({ rows }: BenchmarkRun): string[] {
  return rows.flatMap((row) =>
    row.error === undefined ? [] : [`${nameRow(row)} failed: ${row.error}`],
  );
}

function nameRow({ saver, variant }: Row): string {
  const label = saverLabels[saver];
  return variant === undefined ? label : `${variant}: ${label}`;
}

function formatLimit(judgement: Judgement): string {
  const sign = judgement.direction === "at most" ? "≤" : "≥";
  return `${sign} ${formatOptional(judgement.limit, judgement)}`;
}

function formatOptional(value: number | undefined, { unit }: Judgement): string {
  return value === undefined ? "not measured" : formatFigure(value, unit);
}
