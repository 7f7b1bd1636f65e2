import type { TopLevelSpec } from "vega-lite";
import type { NonNormalizedSpec } from "vega-lite/types_unstable/spec/index.js";
import type { Row } from "../harness/row.ts";
import { saverLabels } from "../harness/savers.ts";
import { chartConfig, drawSvg, listLabels, powersOfTen, scaleOf } from "./chart-style.ts";

/**
 * Draws stored bytes and time per turn over the turns, a line for each saver, as SVG.
 *
 * @param rows of long-thread
 * @throws Error if no row has a series
 */
export async function plotGrowth(rows: readonly Row[]): Promise<string> {
  const values = rows.flatMap(({ saver, series = [] }) =>
    series.map((point) => ({ saver: saverLabels[saver], ...point })),
  );
  if (values.length === 0) throw new Error("There is nothing to plot: no row has a series.");
  return await drawSvg(makeSpec(values, listLabels(values)));
}

function makeSpec(values: readonly object[], labels: readonly string[]): TopLevelSpec {
  const x = { field: "turn", type: "quantitative", title: "turns of the thread" } as const;
  const color = {
    field: "saver",
    type: "nominal",
    scale: scaleOf(labels),
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
    config: chartConfig,
  };
}
