import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import type { ResolvedOptions } from "../options/resolve-options.ts";
import type { SimulatedFault } from "../options/simulated-faults.ts";
import { FaultDraw } from "../simulation/fault-draw.ts";
import { simulateFaults } from "../simulation/simulate-faults.ts";
import type { WrapFetch } from "./inner-model.ts";
import { listNames, type PlannedEndpoint } from "./list-endpoints.ts";

/** Sums of rates such as 0.1 + 0.2 are a little off. */
const ROUNDING = 1e-9;

function isMeantFor({ models }: SimulatedFault, names: readonly string[]): boolean {
  return models === undefined || names.some((name) => models.includes(name));
}

/**
 * Puts the faults of the option `simulateFaults` between an endpoint and the network. `undefined`: it has
 * none.
 */
export function createFaultInjection(
  planned: PlannedEndpoint,
  { random, simulateFaults: settings }: ResolvedOptions,
): WrapFetch | undefined {
  if (!settings) return undefined;
  const names = listNames(planned);
  const faults = settings.faults.filter((fault) => isMeantFor(fault, names));
  if (faults.length === 0) return undefined;
  // The place is part of it: two endpoints of one name do not fail in step.
  const draw = new FaultDraw(planned.path, faults, settings.seed, random);
  return (fetch) => simulateFaults(fetch, draw);
}

/** An endpoint that faults may happen to. */
export interface FaultTarget {
  readonly planned: PlannedEndpoint;
  /** Whether its requests can be seen, and so be answered in place of the provider. */
  readonly isWatched: boolean;
}

function* findProblems(
  faults: readonly SimulatedFault[],
  targets: readonly FaultTarget[],
): Generator<string> {
  const named = targets.map(({ isWatched, planned }) => {
    const names = listNames(planned);
    return { isWatched, names, name: names[0] };
  });
  const known = [...new Set(named.flatMap(({ names }) => names))].join(", ");
  for (const [index, fault] of faults.entries()) {
    for (const [place, model] of (fault.models ?? []).entries()) {
      if (named.some(({ names }) => names.includes(model))) continue;
      yield `simulateFaults, models[${place}] of fault ${index}: expected one of ${known}, got another name`;
    }
  }
  for (const { isWatched, name, names } of named) {
    const own = faults.filter((fault) => isMeantFor(fault, names));
    const sum = own.reduce((total, { rate }) => total + rate, 0);
    if (own.length > 0 && !isWatched) {
      yield `simulateFaults: expected models in each fault without ${name}, which is no ChatOpenAI and has no requests to see`;
    }
    if (sum > 1 + ROUNDING) {
      yield `simulateFaults: expected rates that add up to 1 at most, got ${sum} for ${name}`;
    }
  }
}

/**
 * Checks that the faults of the option `simulateFaults` can happen to the endpoints that they name.
 *
 * @throws InvalidOptionsError if one cannot: with every problem, one a line
 */
export function checkSimulatedFaults(
  { simulateFaults: settings }: ResolvedOptions,
  targets: readonly FaultTarget[],
): void {
  if (!settings) return;
  const problems = [...findProblems(settings.faults, targets)];
  if (problems.length > 0) {
    const list = problems.map((problem) => `  ${problem}`).join("\n");
    throw new InvalidOptionsError(`Invalid options of ResilientChatModel:\n${list}`);
  }
  if (process.env["NODE_ENV"] !== "production") return;
  process.emitWarning("ResilientChatModel simulates faults in production (simulateFaults.force)", {
    code: "THREADKEEP_SIMULATED_FAULTS",
  });
}
