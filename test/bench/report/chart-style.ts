import * as vega from "vega";
import { compile, type Config, type TopLevelSpec } from "vega-lite";
import { saverLabels } from "../harness/savers.ts";

/** Where logarithmic axes are marked: from 0.1 ms to 10 GB. */
export const powersOfTen: number[] = Array.from({ length: 12 }, (_, index) => 10 ** (index - 1));

/** Mid tones, which can be read on white and on black. */
export const TEXT = "#7d8590";
const GRID = "#7d859033";

const colours: Record<string, string> = {
  [saverLabels.threadkeep]: "#1a9e6c",
  [saverLabels.official]: "#e5534b",
  [saverLabels.memory]: "#4d8ef0",
  [saverLabels.none]: "#a07be0",
};

/** The scale of colours for some savers. */
export function scaleOf(labels: readonly string[]): { domain: string[]; range: string[] } {
  return { domain: [...labels], range: labels.map((label) => colours[label] ?? TEXT) };
}

/** The labels that occur, in the order of all tables. */
export function listLabels(values: readonly { readonly saver: string }[]): string[] {
  return Object.values(saverLabels).filter((label) => values.some(({ saver }) => saver === label));
}

/** What all charts look like. */
export const chartConfig: Config = {
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
};

/** Draws a chart as SVG. */
export async function drawSvg(spec: TopLevelSpec): Promise<string> {
  return await new vega.View(vega.parse(compile(spec).spec), { renderer: "none" }).toSVG();
}
