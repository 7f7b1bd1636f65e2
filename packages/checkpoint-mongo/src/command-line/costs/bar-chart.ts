/** A bar of a chart. */
export interface Bar {
  readonly label: string;
  readonly value: number;
}

const WIDTH = 960;
const HEIGHT = 360;
/** Room for the title, the numbers at the left and the labels below. */
const MARGIN = { top: 48, right: 16, bottom: 72, left: 72 };
const GRID_LINES = 4;
/** A label, turned by 45 degrees, needs so many pixels beside the next one. */
const LABEL_PX = 20;
const MAX_LABEL_CHARS = 14;

const STYLE = `
text { font: 12px system-ui, sans-serif; fill: #444 }
.title { font-size: 16px; fill: #111 }
.grid { stroke: #ddd }
.bar { fill: #2f6fde }
@media (prefers-color-scheme: dark) {
  .page { fill: #16181d }
  text { fill: #b8bcc6 }
  .title { fill: #f2f3f5 }
  .grid { stroke: #353941 }
  .bar { fill: #6ea0ff }
}`;

/** A chart of bars as an SVG image, which needs nothing else. */
export function drawBarChart(
  title: string,
  bars: readonly Bar[],
  format: (value: number) => string,
): string {
  const plotWidth = WIDTH - MARGIN.left - MARGIN.right;
  const plotHeight = HEIGHT - MARGIN.top - MARGIN.bottom;
  const step = findStep(Math.max(0, ...bars.map(({ value }) => value)));
  const top = step * GRID_LINES;
  const yOf = (value: number): number => MARGIN.top + plotHeight * (1 - value / top);
  const slot = plotWidth / Math.max(1, bars.length);
  const everyNth = Math.ceil(LABEL_PX / slot);
  const lines = Array.from({ length: GRID_LINES + 1 }, (_, index) => {
    const y = round(yOf(index * step));
    return (
      `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y}" y2="${y}"/>` +
      `<text x="${MARGIN.left - 8}" y="${y + 4}" text-anchor="end">${escapeXml(format(index * step))}</text>`
    );
  });
  const drawn = bars.map(({ label, value }, index) => {
    const x = MARGIN.left + index * slot;
    const y = yOf(value);
    const bar =
      `<rect class="bar" x="${round(x + slot * 0.1)}" y="${round(y)}" width="${round(slot * 0.8)}" ` +
      `height="${round(MARGIN.top + plotHeight - y)}"><title>${escapeXml(`${label}: ${format(value)}`)}</title></rect>`;
    if (index % everyNth !== 0) return bar;
    const at = `${round(x + slot / 2)} ${HEIGHT - MARGIN.bottom + 16}`;
    return `${bar}<text transform="translate(${at}) rotate(-45)" text-anchor="end">${escapeXml(shorten(label))}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="page" width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<text class="title" x="${MARGIN.left}" y="28">${escapeXml(title)}</text>`,
    ...lines,
    ...drawn,
    "</svg>\n",
  ].join("\n");
}

/** The distance of two lines: 1, 2 or 5 times a power of ten, so that all values fit below the last one. */
function findStep(largest: number): number {
  const least = largest / GRID_LINES || 1;
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= least) ?? 10;
  return factor * power;
}

function round(pixels: number): number {
  return Math.round(pixels * 100) / 100;
}

function shorten(label: string): string {
  const characters = Array.from(label);
  if (characters.length <= MAX_LABEL_CHARS) return label;
  return `${characters.slice(0, MAX_LABEL_CHARS - 1).join("")}…`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** XML has no form for control characters. */
function escapeXml(text: string): string {
  return (
    text
      .replaceAll(/[&<>"]/g, (character) => ENTITIES[character] ?? character)
      // oxlint-disable-next-line no-control-regex
      .replaceAll(/[\u0000-\u001F\uFFFE\uFFFF]/g, "\uFFFD")
      .toWellFormed()
  );
}
