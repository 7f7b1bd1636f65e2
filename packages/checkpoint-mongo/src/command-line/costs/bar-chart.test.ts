import { describe, expect, it } from "vitest";
import { drawBarChart } from "./bar-chart.ts";

const usd = (value: number): string => `$${value}`;

/** The heights of the bars, in pixels. */
function readHeights(svg: string): number[] {
  return Array.from(svg.matchAll(/class="bar"[^>]* height="([\d.]+)"/g), ([, px]) => Number(px));
}

describe("drawBarChart", () => {
  it("draws bars as high as their values say, below lines at round numbers", () => {
    const bars = [
      { label: "2026-11-26", value: 3 },
      { label: "2026-11-27", value: 6 },
    ];
    const svg = drawBarChart("Costs", bars, usd);
    const [low = 0, high = 0] = readHeights(svg);
    expect(high).toBeCloseTo(2 * low, 1);
    const lines = Array.from(svg.matchAll(/text-anchor="end">(\$[\d.]+)</g), ([, text]) => text);
    expect(lines).toEqual(["$0", "$2", "$4", "$6", "$8"]);
  });

  it("shows as many labels as there is room for, and has each in the title of its bar", () => {
    const bars = Array.from({ length: 365 }, (_, day) => ({ label: `day ${day}`, value: day }));
    const svg = drawBarChart("A year", bars, usd);
    expect(readHeights(svg)).toHaveLength(365);
    const labels = svg.match(/rotate\(-45\)/g)?.length ?? 0;
    expect(labels).toBeGreaterThan(20);
    expect(labels).toBeLessThan(60);
    expect(svg).toContain("<title>day 364: $364</title>");
  });

  it("is well-formed whatever a label says, and with no bar at all", () => {
    const svg = drawBarChart("<&>", [{ label: '"</svg>\u001B[2J\uD800', value: 0 }], usd);
    expect(svg).toContain("<title>&lt;&amp;&gt;</title>");
    expect(svg).toContain("&quot;&lt;/svg&gt;\uFFFD[2J\uFFFD");
    expect(drawBarChart("None", [], usd)).not.toContain("NaN");
  });
});
