import type { TopLevelSpec } from "vega-lite";
import type { NonNormalizedSpec } from "vega-lite/types_unstable/spec/index.js";
import type { BenchmarkRun } from "../harness/run-benchmark.ts";
import { needsServer, saverLabels } from "../harness/savers.ts";
import { chartConfig, drawSvg, listLabels, powersOfTen, scaleOf, TEXT } from "./chart-style.ts";

const MODES = { true: "MongoDB 8", false: "before MongoDB 8" } as const;

const LEGEND = {
  title: null,
  orient: "bottom",
  direction: "horizontal",
  symbolType: "stroke",
} as const;

interface Bar {
  readonly saver: string;
  readonly mode: string;
  readonly turnsPerSecond: number;
}

interface Point {
  readonly saver: string;
  readonly mode: string;
  readonly turn: number;
  readonly turnMs: number;
}

/**
 * Draws short and long threads side by side, as SVG: the turns a second of 64 short threads at once, and
 * the time of a turn while one thread grows; each with and without the client's bulkWrite, if there are
 * runs of both.
 *
 * @param runs of short-threads and long-thread, on a server to which no round trip is added
 * @throws Error if one of the two is missing
 */
export async function plotShortAndLong(runs: readonly BenchmarkRun[]): Promise<string> {
  const near = runs.filter(({ mode }) => (mode?.rttMs ?? 0) === 0);
  const bars = near.filter(({ name }) => name === "short-threads").flatMap(toBars);
  const points = near.filter(({ name }) => name === "long-thread").flatMap(toPoints);
  if (bars.length === 0 || points.length === 0) {
    throw new Error("This plot needs results of short-threads and of long-thread.");
  }
  return await drawSvg(makeSpec(bars, points));
}

function modeOf({ mode }: BenchmarkRun): string {
  return MODES[`${mode?.clientBulkWrite ?? true}`];
}

function toBars(run: BenchmarkRun): Bar[] {
  return run.rows.flatMap(({ saver, variant, turnsPerSecond }) =>
    // Beside what stores nothing on a server, the others could not be told apart.
    turnsPerSecond === undefined || !needsServer(saver) || !variant?.startsWith("64 threads")
      ? []
      : [{ saver: saverLabels[saver], mode: modeOf(run), turnsPerSecond }],
  );
}

function toPoints(run: BenchmarkRun): Point[] {
  return run.rows.flatMap(({ saver, series = [] }) =>
    saver === "none"
      ? []
      : series.map(({ turn, turnMs }) => ({
          saver: saverLabels[saver],
          mode: modeOf(run),
          turn,
          turnMs,
        })),
  );
}

function makeSpec(bars: readonly Bar[], points: readonly Point[]): TopLevelSpec {
  const modes = Object.values(MODES).filter((mode) =>
    bars.concat().some((bar) => bar.mode === mode),
  );
  const scale = scaleOf(listLabels([...bars, ...points]));
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    background: "transparent",
    padding: 12,
    hconcat: [drawBars(bars, modes, scale), drawLines(points, modes, scale)],
    spacing: 48,
    config: chartConfig,
  };
}

function drawBars(
  bars: readonly Bar[],
  modes: readonly string[],
  scale: ReturnType<typeof scaleOf>,
): NonNormalizedSpec {
  const encoding = {
    x: { field: "mode", type: "nominal", sort: [...modes], title: null, axis: { labelAngle: 0 } },
    xOffset: { field: "saver", type: "nominal", sort: scale.domain },
    y: { field: "turnsPerSecond", type: "quantitative", title: null },
  } as const;
  return {
    title: "64 short threads at once: turns a second",
    width: 300,
    height: 260,
    data: { values: [...bars] },
    encoding,
    layer: [
      {
        mark: { type: "bar", cornerRadiusEnd: 2 },
        encoding: { color: { field: "saver", type: "nominal", scale, legend: LEGEND } },
      },
      {
        mark: { type: "text", dy: -8, fontSize: 12, fill: TEXT },
        encoding: { text: { field: "turnsPerSecond", type: "quantitative", format: ",.0f" } },
      },
    ],
  };
}

function drawLines(
  points: readonly Point[],
  modes: readonly string[],
  scale: ReturnType<typeof scaleOf>,
): NonNormalizedSpec {
  return {
    title: "One long thread: time of a turn (ms, log scale)",
    width: 420,
    height: 260,
    data: { values: [...points] },
    mark: { type: "line", strokeWidth: 2.5, strokeJoin: "round" },
    encoding: {
      x: { field: "turn", type: "quantitative", title: "turns of the thread" },
      y: {
        field: "turnMs",
        type: "quantitative",
        title: null,
        scale: { type: "log", nice: true },
        axis: { labelExpr: "format(datum.value, '~g')", values: powersOfTen },
      },
      color: {
        field: "saver",
        type: "nominal",
        scale,
        legend: LEGEND,
      },
      strokeDash: {
        field: "mode",
        type: "nominal",
        scale: {
          domain: [...modes],
          range: [
            [1, 0],
            [6, 4],
          ].slice(0, modes.length),
        },
        legend: modes.length === 1 ? null : LEGEND,
      },
    },
  };
}
