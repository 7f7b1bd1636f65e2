import type { Candidate } from "../candidate/candidate.ts";

/** An endpoint whose place is drawn. */
interface Drawn {
  readonly candidate: Candidate;
  /** The smaller, the further in front. */
  readonly place: number;
}

/**
 * How much of a model's calls each endpoint is to get, beside the others: its weight, times the requests
 * that fit into what it has left of its limits. An endpoint whose limits are not known counts as if it
 * were as large as the others and had used nothing.
 */
export function weighEndpoints(
  endpoints: readonly Candidate[],
  promptTokens: number,
  nowMs: number,
): readonly number[] {
  const lefts = endpoints.map((endpoint) => endpoint.countRequestsLeft(promptTokens, nowMs));
  const known = lefts.filter((left) => left !== undefined);
  const weights = endpoints.map(({ weight }) => weight);
  if (known.every(({ now }) => now === 0)) return weights;
  const usual = known.reduce((sum, { full }) => sum + full, 0) / known.length;
  return weights.map((weight, index) => weight * (lefts[index]?.now ?? usual));
}

/**
 * The endpoints of one model in a random order: the first one is drawn by weight, the second one by
 * weight among those that are left, and so on. So if the first is down, the others share its calls by
 * their weights. (Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006.)
 */
function drawByWeight(
  endpoints: readonly Candidate[],
  weights: readonly number[],
  random: () => number,
): Candidate[] {
  const drawn = endpoints.map((candidate, index): Drawn => {
    // Of 1 - random(), which is never 0.
    const place = -Math.log(1 - random()) / (weights[index] ?? 1);
    return { candidate, place };
  });
  // Equal places are those of endpoints with nothing left. They keep their order.
  drawn.sort((left, right) => (left.place === right.place ? 0 : left.place - right.place));
  return drawn.map(({ candidate }) => candidate);
}

/** The canary that gets this call, if one does. */
function drawCanary(canaries: readonly Candidate[], random: () => number): Candidate | undefined {
  if (canaries.length === 0) return undefined;
  let left = random();
  for (const candidate of canaries) {
    left -= candidate.canary ?? 0;
    if (left < 0) return candidate;
  }
  return undefined;
}

/**
 * The order in which one call asks: model by model as in the chain, the endpoints of a model drawn by
 * weight. A canary comes first in its share of the calls, and in all others after everything else.
 *
 * @param models The endpoints of each model of the chain.
 */
export function drawOrder(
  models: readonly (readonly Candidate[])[],
  measurePrompt: () => number,
  nowMs: number,
  random: () => number,
): readonly Candidate[] {
  const order: Candidate[] = [];
  const last: Candidate[] = [];
  for (const endpoints of models) {
    if (endpoints.length === 1) {
      order.push(...endpoints);
      continue;
    }
    const canaries = endpoints.filter(({ canary }) => canary !== undefined);
    const others = endpoints.filter(({ canary }) => canary === undefined);
    const chosen = drawCanary(canaries, random);
    if (chosen) order.push(chosen);
    const weights = weighEndpoints(others, measurePrompt(), nowMs);
    order.push(...drawByWeight(others, weights, random));
    last.push(...canaries.filter((canary) => canary !== chosen));
  }
  return [...order, ...last];
}
