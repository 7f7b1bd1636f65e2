import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import type { SimulatedFault } from "../options/simulated-faults.ts";
import { FaultDraw } from "../simulation/fault-draw.ts";
import { simulateFaults } from "../simulation/simulate-faults.ts";
import type { Candidate } from "./candidate.ts";
import type { WrapFetch } from "./inner-model.ts";

/** Sums of rates such as 0.1 + 0.2 are a little off. */
const ROUNDING = 1e-9;

function isMeantFor({ models }: SimulatedFault, names: readonly (string | undefined)[]): boolean {
  return models === undefined || names.some((name) => name !== undefined && models.includes(name));
}

/**
 * Puts the faults of the option `simulateFaults` between a candidate and the network. `undefined`: it has
 * none.
 *
 * @param names The name that the candidate was given, if it was given one, and its model's.
 */
export function createFaultInjection(
  names: readonly [given: string | undefined, model: string],
  { random, simulateFaults: settings }: ResolvedOptions,
): WrapFetch | undefined {
  const faults = settings?.faults.filter((fault) => isMeantFor(fault, names)) ?? [];
  if (!settings || faults.length === 0) return undefined;
  const [given, model] = names;
  const draw = new FaultDraw(given ?? model, faults, settings.seed, random);
  return (fetch) => simulateFaults(fetch, draw);
}

function* findProblems(
  faults: readonly SimulatedFault[],
  candidates: readonly Candidate[],
): Generator<string> {
  const targets = candidates.map((candidate) => {
    const { endpoint, inner, name } = candidate;
    return { name, names: [name, endpoint.model], canMeetFaults: inner.isWatched };
  });
  const known = [...new Set(targets.flatMap(({ names }) => names))].join(", ");
  for (const [index, fault] of faults.entries()) {
    for (const [place, model] of (fault.models ?? []).entries()) {
      if (targets.some(({ names }) => names.includes(model))) continue;
      yield `simulateFaults, models[${place}] of fault ${index}: expected one of ${known}, got another name`;
    }
  }
  for (const { canMeetFaults, name, names } of targets) {
    const own = faults.filter((fault) => isMeantFor(fault, names));
    const sum = own.reduce((total, { rate }) => total + rate, 0);
    if (own.length > 0 && !canMeetFaults) {
      yield `simulateFaults: expected models in each fault without ${name}, which is no ChatOpenAI and has no requests to see`;
    }
    if (sum > 1 + ROUNDING) {
      yield `simulateFaults: expected rates that add up to 1 at most, got ${sum} for ${name}`;
    }
  }
}

/**
 * Checks that the faults of the option `simulateFaults` can happen to the candidates that they name.
 *
 * @throws InvalidOptionsError if one cannot: with every problem, one a line
 */
export function checkSimulatedFaults(
  { simulateFaults: settings }: ResolvedOptions,
  candidates: readonly Candidate[],
): void {
  if (!settings) return;
  const problems = [...findProblems(settings.faults, candidates)];
  if (problems.length > 0) {
    const list = problems.map((problem) => `  ${problem}`).join("\n");
    throw new InvalidOptionsError(`Invalid options of ResilientChatModel:\n${list}`);
  }
  if (process.env["NODE_ENV"] !== "production") return;
  process.emitWarning("ResilientChatModel simulates faults in production (simulateFaults.force)", {
    code: "THREADKEEP_SIMULATED_FAULTS",
  });
}
