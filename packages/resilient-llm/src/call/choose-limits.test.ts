import { expect, it } from "vitest";
import { AdaptiveTimeout } from "../candidate/adaptive-timeout.ts";
import type { Candidate } from "../candidate/candidate.ts";
import { createCandidates } from "../candidate/create-candidates.ts";
import { NO_USAGE } from "../cost/token-usage.ts";
import { EventHub } from "../events/events.ts";
import { resolveOptions } from "../options/resolve-options.ts";
import { chooseLimits } from "./choose-limits.ts";
import { createSeededRandom } from "../simulation/seeded-random.ts";

const OPTIONS = resolveOptions({ models: ["m"], apiKey: "none" });
const { timeout: TIMEOUT } = OPTIONS;

/** What a call asks, and how it goes. */
interface SimulatedCall {
  readonly streaming: boolean;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly maxOutputTokens: number | undefined;
  readonly firstTokenMs: number;
  readonly totalMs: number;
  /** Nothing comes from then on. `undefined`: it is healthy. */
  readonly stallsAtMs: number | undefined;
}

/** How fast a model is, in ms: until it starts, per token of a prompt, and per token of an answer. */
interface Pace {
  readonly startMs: number;
  readonly readMs: number;
  readonly writeMs: number;
}

const PACES = {
  "a usual model": { startMs: 300, readMs: 0.1, writeMs: 15 },
  "a fast model": { startMs: 300, readMs: 0.02, writeMs: 4 },
  "a quick model": { startMs: 100, readMs: 0.02, writeMs: 2 },
  "a slow model": { startMs: 1500, readMs: 0.3, writeMs: 20 },
  "a model that reads slowly": { startMs: 50, readMs: 0.3, writeMs: 5 },
} satisfies Record<string, Pace>;

/** When a policy ends a call, and whether that was wrong. */
interface Ending {
  readonly endedAtMs: number;
  readonly cutHealthy: boolean;
}

interface Policy {
  end(call: SimulatedCall): Ending;
}

/**
 * A thousand calls of a model. The first 60 are small. Of the others the sizes are spread evenly over the
 * orders of magnitude. Three in a hundred stall.
 */
function simulateCalls({ readMs, startMs, writeMs }: Pace, seed: number): SimulatedCall[] {
  const random = createSeededRandom(seed);
  const between = (least: number, most: number) => Math.round(least * (most / least) ** random());
  const noise = (spread: number) => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.exp(Math.min(3, normal) * spread);
  };
  return Array.from({ length: 1000 }, (_, index) => {
    const promptTokens = index < 60 ? between(100, 1000) : between(100, 200_000);
    const outputTokens = index < 60 ? between(20, 60) : between(20, 8000);
    const cap = [64, 256, 1024, 4096, 8192].find((most) => most >= outputTokens);
    const firstTokenMs = (startMs + promptTokens * readMs) * noise(0.3);
    const totalMs = firstTokenMs + outputTokens * writeMs * noise(0.2);
    const stalls = random() < 0.03;
    return {
      streaming: random() < 0.5,
      promptTokens,
      outputTokens,
      maxOutputTokens: random() < 0.5 ? cap : undefined,
      firstTokenMs,
      totalMs,
      stallsAtMs: stalls ? totalMs * random() : undefined,
    };
  });
}

/** How limits end an answer that is watched piece by piece. */
function endWatched(call: SimulatedCall, firstTokenLimitMs: number, totalLimitMs: number): Ending {
  const { firstTokenMs, stallsAtMs, totalMs } = call;
  const silentFromMs = stallsAtMs ?? Infinity;
  if (Math.min(firstTokenMs, silentFromMs) === silentFromMs || firstTokenMs > firstTokenLimitMs) {
    return { endedAtMs: firstTokenLimitMs, cutHealthy: firstTokenMs <= silentFromMs };
  }
  if (stallsAtMs !== undefined) {
    const endedAtMs = Math.min(stallsAtMs + TIMEOUT.idleMs, totalLimitMs);
    return { endedAtMs, cutHealthy: false };
  }
  return { endedAtMs: Math.min(totalMs, totalLimitMs), cutHealthy: totalMs > totalLimitMs };
}

/** How a limit ends an answer that comes in one piece. */
function endWhole({ stallsAtMs, totalMs }: SimulatedCall, limitMs: number): Ending {
  if (stallsAtMs !== undefined) return { endedAtMs: limitMs, cutHealthy: false };
  return { endedAtMs: Math.min(totalMs, limitMs), cutHealthy: totalMs > limitMs };
}

/** The policy of this package, on a candidate that learns from the calls. */
class SizedPolicy implements Policy {
  readonly #candidate: Candidate;

  constructor() {
    const [candidate] = createCandidates(OPTIONS, new EventHub());
    if (!candidate) throw new Error("No candidate");
    this.#candidate = candidate;
  }

  end(call: SimulatedCall): Ending {
    const { streaming, totalMs } = call;
    const candidate = this.#candidate;
    const { limits, prefersStream } = chooseLimits(candidate, call, streaming, TIMEOUT, Infinity);
    const isWatched = streaming || prefersStream;
    const ending = isWatched
      ? endWatched(call, limits.firstTokenMs, limits.totalMs)
      : endWhole(call, limits.totalMs);
    if (call.stallsAtMs === undefined && !ending.cutHealthy) {
      const report = {
        asked: call,
        streaming,
        startedAtMs: 0,
        durationMs: totalMs,
        firstTokenMs: isWatched ? call.firstTokenMs : undefined,
        usage: { ...NO_USAGE, outputTokens: call.outputTokens },
        retries: 0,
        exhaustedForMs: undefined,
      };
      candidate.succeeded(report, 0);
    }
    return ending;
  }
}

/** Limits that follow the latencies alone: twice their p99, whatever is asked. */
class PlainPolicy implements Policy {
  readonly #firstToken = new AdaptiveTimeout("quantile", { floorMs: 10_000, ceilingMs: 60_000 });
  readonly #total = new AdaptiveTimeout("quantile", { floorMs: 10_000, ceilingMs: 300_000 });

  end(call: SimulatedCall): Ending {
    const limit = call.streaming ? this.#firstToken : this.#total;
    const limitMs = limit.limitFor(1);
    const ending = call.streaming ? endWatched(call, limitMs, 300_000) : endWhole(call, limitMs);
    if (ending.cutHealthy) limit.recordCensored(limitMs, 1);
    else if (call.stallsAtMs === undefined) {
      limit.record(call.streaming ? call.firstTokenMs : call.totalMs, 1);
    }
    return ending;
  }
}

/** What became of the calls: healthy ones that were cut, and after what time stalls were noticed. */
interface Result {
  readonly cuts: number;
  readonly noticedMs: readonly number[];
}

function run(policy: Policy, calls: readonly SimulatedCall[]): Result {
  const endings = calls.map((call) => ({
    ...policy.end(call),
    stalls: call.stallsAtMs !== undefined,
  }));
  return {
    cuts: endings.filter(({ cutHealthy }) => cutHealthy).length,
    noticedMs: endings.filter(({ stalls }) => stalls).map(({ endedAtMs }) => endedAtMs),
  };
}

function meanNoticeMs(results: readonly Result[]): number {
  const times = results.flatMap(({ noticedMs }) => noticedMs);
  return times.reduce((sum, time) => sum + time, 0) / times.length;
}

function countCuts(results: readonly Result[]): number {
  return results.reduce((sum, { cuts }) => sum + cuts, 0);
}

it.each(Object.entries(PACES))(
  "ten times 1,000 calls of all sizes of %s: no healthy one is cut, and stalls are noticed sooner than by latencies alone",
  (_, pace) => {
    const runs = Array.from({ length: 10 }, (__, seed) => simulateCalls(pace, seed));
    const sized = runs.map((calls) => run(new SizedPolicy(), calls));
    const plain = runs.map((calls) => run(new PlainPolicy(), calls));

    expect(countCuts(sized)).toBe(0);
    expect(countCuts(plain)).toBeGreaterThan(0);
    expect(meanNoticeMs(sized)).toBeLessThan(meanNoticeMs(plain));
  },
);

it("the headers of a long prompt have the time it takes to read it, unless the option says otherwise", () => {
  const [candidate] = createCandidates(OPTIONS, new EventHub());
  if (!candidate) throw new Error("No candidate");
  const asked = { promptTokens: 200_000, maxOutputTokens: 100 };
  expect(chooseLimits(candidate, asked, true, TIMEOUT, Infinity).limits.connectMs).toBe(130_000);
  const own = { ...TIMEOUT, connectMs: 5000 };
  expect(chooseLimits(candidate, asked, true, own, Infinity).limits.connectMs).toBe(5000);
});

it("a model known to reason has ten minutes for its first token and a quarter of an hour for all", () => {
  const options = resolveOptions({
    models: [{ model: "thinker", profile: { reasoningOutput: true } }],
    apiKey: "none",
  });
  const [candidate] = createCandidates(options, new EventHub());
  if (!candidate) throw new Error("No candidate");
  const asked = { promptTokens: 10, maxOutputTokens: undefined };
  const { limits } = chooseLimits(candidate, asked, true, options.timeout, Infinity);
  expect(limits).toMatchObject({ firstTokenMs: 600_000, totalMs: 900_000 });
});
