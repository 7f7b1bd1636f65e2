import type { ChannelKind, ChannelSpec, GraphSpec, Next, NodeSpec } from "./program.ts";
import type { Random } from "./random.ts";
import { runsOneByOne, type Traits } from "./traits.ts";

/** Names that sort in another order by number, letter, code unit or code point, or look like paths. */
const NAMES = [
  "plan",
  "9",
  "10",
  "Zeta",
  "alpha",
  "\u{1F642}",
  "\uFF5E",
  "é",
  "a b",
  "~b",
  "a, b",
  "write",
  "B",
];

const KINDS: readonly ChannelKind[] = [
  "append",
  "fold",
  "merge",
  "last",
  "mutates-right",
  "mutates-left",
  "messages",
  "delta",
  "delta-merge",
  "delta-stamps",
  "delta-messages",
  "topic",
  "unique-topic",
  "ephemeral",
  "any",
  "untracked",
];

/** Channels whose value a subgraph can hand back whole without its parent's growing. */
const SHAREABLE: ReadonlySet<ChannelKind> = new Set(["merge", "messages", "any", "delta-merge"]);

/** More would make programs slow, and no better at finding faults. */
const MAX_SUBGRAPHS = 3;
const MAX_DEPTH = 2;

/** Makes the graphs of one program. */
export class GraphGenerator {
  private readonly random: Random;
  private readonly traits: Traits;
  private subgraphsLeft = MAX_SUBGRAPHS;

  constructor(random: Random, traits: Traits) {
    this.random = random;
    this.traits = traits;
  }

  /** @param shared channels of the parent that the graph may have too */
  makeGraph(depth: number, shared: readonly ChannelSpec[] = []): GraphSpec {
    const { random } = this;
    const channels = this.makeChannels(depth, shared);
    const count = random.between(2, depth === 0 ? 5 : 3);
    const names = random.sample(NAMES, count).map((plain) => `${plain}${"'".repeat(depth)}`);
    const hasSubgraphs = this.traits.nests && depth < MAX_DEPTH && this.subgraphsLeft > 0;
    const isLinear = hasSubgraphs && runsOneByOne(this.traits);
    const { entries, children } = this.arrange(names, isLinear);
    const nexts = this.makeNexts(names, children, isLinear);
    const workers = new Set(
      Array.from(nexts.values()).flatMap((next) => (next.kind === "send" ? [next.worker] : [])),
    );
    const nodes = names.map((name) => {
      const next = nexts.get(name)!;
      // A subgraph sends nothing, and what routes has to log itself.
      const mayBeSubgraph = hasSubgraphs && !workers.has(name) && next.kind === "all";
      if (mayBeSubgraph && this.subgraphsLeft > 0 && random.chance(0.45)) {
        return this.makeSubgraph(name, next, depth, channels);
      }
      return this.makeNode(name, next, channels, workers.has(name));
    });
    return {
      channels,
      entries,
      nodes,
      joins: isLinear ? [] : this.makeJoins(names.filter((name) => !workers.has(name))),
      interruptBefore: this.makeInterrupts(names),
      interruptAfter: this.makeInterrupts(names),
    };
  }

  private makeChannels(depth: number, shared: readonly ChannelSpec[]): ChannelSpec[] {
    const { random } = this;
    const specs: ChannelSpec[] = [
      // What a graph gives back to its parent is appended there: its log is its own.
      { name: `log${depth}`, kind: "append", snapshotFrequency: 1 },
      { name: "shared", kind: "merge", snapshotFrequency: 1 },
      ...shared.filter(() => random.chance(0.6)),
    ];
    for (const kind of random.sample(KINDS, random.between(2, depth === 0 ? 6 : 2))) {
      const name = random.chance(0.1) ? `$${kind}.${depth}` : `${kind}${depth}`;
      specs.push({ name, kind, snapshotFrequency: random.pick([1, 2, 3, 100]) });
    }
    return specs;
  }

  /** Which nodes come first, and which come after each. */
  private arrange(
    names: readonly string[],
    isLinear: boolean,
  ): { readonly entries: string[]; readonly children: ReadonlyMap<string, string[]> } {
    const { random } = this;
    const children = new Map<string, string[]>(names.map((name) => [name, []]));
    const entries = [names[0]!];
    for (const [index, name] of names.entries()) {
      if (index === 0) continue;
      if (isLinear) children.get(names[index - 1]!)!.push(name);
      else if (random.chance(0.2)) entries.push(name);
      else children.get(random.pick(names.slice(0, index)))!.push(name);
    }
    return { entries, children };
  }

  private makeNexts(
    names: readonly string[],
    children: ReadonlyMap<string, string[]>,
    isLinear: boolean,
  ): Map<string, Next> {
    const workers = new Set<string>();
    return new Map(
      names.map((name, index) => {
        const to = children.get(name)!;
        const before = names.slice(0, index + 1).filter((earlier) => !workers.has(earlier));
        const next = this.makeNext(to, before, !isLinear, workers.has(name));
        if (next.kind === "send") workers.add(next.worker);
        return [name, next];
      }),
    );
  }

  private makeNext(
    to: readonly string[],
    before: readonly string[],
    maySend: boolean,
    isWorker: boolean,
  ): Next {
    const { random } = this;
    const [worker, ...others] = to;
    if (worker !== undefined && maySend && random.chance(0.3)) {
      return { kind: "send", worker, count: random.between(1, 4), to: others };
    }
    if (before.length > 0 && random.chance(0.15)) {
      return { kind: "loop", back: random.pick(before), times: random.between(1, 2), to };
    }
    if (to.length > 0 && random.chance(0.2)) return { kind: "choose", to };
    // A worker's Command sends the worker's next task.
    if (to.length > 0 && !isWorker && random.chance(0.2)) return { kind: "command", to };
    return { kind: "all", to };
  }

  private makeNode(
    name: string,
    next: Next,
    channels: readonly ChannelSpec[],
    isWorker: boolean,
  ): NodeSpec {
    const { random } = this;
    return {
      name,
      writes: pickWrites(random, channels),
      asks: random.chance(0.2) ? random.between(1, 2) : 0,
      next,
      ...(isWorker && { worker: { again: random.chance(0.4) ? random.between(1, 2) : 0 } }),
    };
  }

  private makeSubgraph(
    name: string,
    next: Next,
    depth: number,
    channels: readonly ChannelSpec[],
  ): NodeSpec {
    const { random } = this;
    this.subgraphsLeft -= 1;
    const shareable = channels.filter((c) => c.name !== "shared" && SHAREABLE.has(c.kind));
    return {
      name,
      writes: [],
      asks: 0,
      next,
      subgraph: {
        graph: this.makeGraph(depth + 1, shareable),
        checkpointer: random.chance(0.2) ? "own" : "inherit",
        call: random.chance(0.7) ? "node" : "function",
      },
    };
  }

  private makeJoins(names: readonly string[]): GraphSpec["joins"] {
    const { random } = this;
    if (names.length < 3 || !random.chance(0.25)) return [];
    const [to, ...from] = random.sample(names, 3);
    return [{ from, to: to! }];
  }

  private makeInterrupts(names: readonly string[]): string[] {
    const { random } = this;
    return random.chance(0.12) ? random.sample(names, random.between(1, 2)) : [];
  }
}

/** Some of a graph's channels, never its log. */
export function pickWrites(random: Random, [, ...channels]: readonly ChannelSpec[]): string[] {
  return (
    channels
      // Two tasks at once must not write to a channel that takes one value: few nodes do.
      .filter(({ kind }) => random.chance(kind === "last" ? 0.15 : 0.6))
      .map((channel) => channel.name)
  );
}
