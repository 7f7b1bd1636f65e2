import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { PART_NAMES, type PartName } from "../parts/index.ts";

/** What a run of the harness was asked for. */
export interface FaultsRequest {
  readonly seed: number;
  /** For all parts together. */
  readonly minutes: number;
  readonly parts: readonly PartName[];
  /** A Markdown file that gets the table of results. */
  readonly into: string | undefined;
}

const DEFAULT_MINUTES = 4;
const MAX_SEED = 1_000_000;

/**
 * Reads the arguments of `pnpm faults`.
 *
 * @throws Error saying which argument is wrong and what it may be
 */
export function parseFaults(args: readonly string[]): FaultsRequest {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: "string" },
      minutes: { type: "string" },
      only: { type: "string", multiple: true },
      into: { type: "string" },
    },
  });
  return {
    seed: values.seed === undefined ? randomInt(MAX_SEED) : parseSeed(values.seed),
    minutes: values.minutes === undefined ? DEFAULT_MINUTES : parseMinutes(values.minutes),
    parts: values.only?.map(parsePart) ?? PART_NAMES,
    into: values.into,
  };
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (text.trim() !== "" && Number.isInteger(seed) && seed >= 0 && seed <= MAX_SEED) return seed;
  throw new Error(`--seed is "${text}"; it has to be a whole number from 0 to ${MAX_SEED}.`);
}

function parseMinutes(text: string): number {
  const minutes = Number(text);
  if (Number.isFinite(minutes) && minutes > 0) return minutes;
  throw new Error(`--minutes is "${text}"; it has to be a number of more than 0.`);
}

function parsePart(text: string): PartName {
  const known = PART_NAMES.find((name) => name === text);
  if (known !== undefined) return known;
  throw new Error(`--only is "${text}"; it has to be one of ${PART_NAMES.join(", ")}.`);
}
