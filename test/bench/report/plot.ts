import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { NonNormalizedSpec } from "vega-lite/types_unstable/spec/index.js";
import type { Row } from "../harness/row.ts";
import { saverLabels } from "../harness/savers.ts";

/** Where the logarithmic axes are marked: from 0.1 ms to 10 GB. */
const powersOfTen = Array.from({ length: 12 }, (_, index) => 10 ** (index - 1));

/** Mid tones, which can be read on white and on black. */
const TEXT = "#7d8590";
const GRID = "#7d859033";
const colours: Record<string, string> = {
  [saverLabels.threadkeep]: "#1a9e6c",
  [saverLabels.official]: "#e5534b",
  [saverLabels.memory]: "#4d8ef0",
  [saverLabels.none]: "#a07be0",
};

/**
 * Draws stored bytes and time per turn over the turns, a line for each saver, as SVG.
 *
 * @param rows of long-thread
 * @throws Error if no row has a series
 */
export async function plot(rows: readonly Row[]): Promise<string> {
  const values = rows.flatMap(({ saver, series = [] }) =>
    series.map((point) => ({ saver: saverLabels[saver], ...point })),
  );
  if (values.length === 0) throw new Error("There is nothing to plot: no row has a series.");
  const labels = Object.values(saverLabels).filter((label) =>
    values.some(({ saver }) => saver === label),
  );
  const view = new vega.View(vega.parse(compile(makeSpec(values, labels)).spec), {
    renderer: "none",
  });
  return await view.toSVG();
}

function makeSpec(values: readonly object[], labels: readonly string[]): TopLevelSpec {
  const x = { field: "turn", type: "quantitative", title: "turns of the thread" } as const;
  const color = {
    field: "saver",
    type: "nominal",
    scale: { domain: [...labels], range: labels.map((label) => colours[label] ?? TEXT) },
    legend: { title: null, orient: "bottom", direction: "horizontal", symbolType: "stroke" },
  } as const;
  // What MemorySaver holds and what the official saver stores lie on each other.
  const strokeDash = {
    condition: { test: `datum.saver === '${saverLabels.memory}'`, value: [6, 4] },
    value: [1, 0],
  };
  const panel = (
    field: "bytesStored" | "turnMs",
    title: string,
    labelExpr: string,
  ): NonNormalizedSpec => ({
    title,
    width: 380,
    height: 260,
    transform: [{ filter: `isValid(datum.${field})` }],
    mark: { type: "line", strokeWidth: 2.5, strokeJoin: "round" },
    encoding: {
      x,
      y: {
        field,
        type: "quantitative",
        title: null,
        scale: { type: "log", nice: true },
        axis: { labelExpr, values: powersOfTen },
      },
      color,
      strokeDash,
    },
  });
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: "transparent",
    padding: 12,
    data: { values: [...values] },
    hconcat: [
      panel("bytesStored", "Stored (MB, log scale)", "format(datum.value / 1e6, '~g')"),
      panel("turnMs", "Time per turn (ms, log scale)", "format(datum.value, '~g')"),
    ],
    spacing: 40,
    config: {
      font: "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif",
      view: { stroke: null },
      title: { color: TEXT, anchor: "start", fontSize: 14, fontWeight: 600, offset: 12 },
      axis: {
        labelColor: TEXT,
        titleColor: TEXT,
        labelFontSize: 12,
        titleFontSize: 12,
        titleFontWeight: "normal",
        titlePadding: 8,
        gridColor: GRID,
        domainColor: TEXT,
        tickColor: TEXT,
      },
      axisX: { grid: false },
      legend: {
        labelLimit: 0,
        labelColor: TEXT,
        labelFontSize: 13,
        symbolStrokeWidth: 3,
        columnPadding: 24,
      },
    },
  };
}
