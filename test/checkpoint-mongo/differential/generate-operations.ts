import { pickWrites } from "./generate-graph.ts";
import type { Durability, GraphSpec, Operation, Update } from "./program.ts";
import type { Random } from "./random.ts";
import { runsOneByOne, type Traits } from "./traits.ts";

const DURABILITIES: readonly Durability[] = ["sync", "async", "exit"];

/** An operation without what all of them have. */
type Action = Operation extends infer One
  ? One extends Operation
    ? Omit<One, "durability" | "broken">
    : never
  : never;

/** Makes what is done with the thread of one program. */
export class OperationGenerator {
  private readonly random: Random;
  private readonly traits: Traits;
  private readonly root: GraphSpec;

  constructor(random: Random, traits: Traits, root: GraphSpec) {
    this.random = random;
    this.traits = traits;
    this.root = root;
  }

  makeOperations(): Operation[] {
    const { random } = this;
    const usual = random.pick(DURABILITIES);
    const actions: Action[] = [{ kind: "invoke", channels: this.pickChannels() }];
    const count = random.between(3, 4);
    while (actions.length < count) actions.push(this.makeAction());
    return actions.map((action) => {
      const durability = random.chance(0.15) ? random.pick(DURABILITIES) : usual;
      const fails = this.traits.fails && random.chance(0.5);
      const broken = fails ? random.sample(listPlainNodes(this.root), 1) : [];
      return Object.assign(action, { durability, broken }) as Operation;
    });
  }

  private makeAction(): Action {
    const { random } = this;
    const channels = this.pickChannels();
    const back = random.between(0, 6);
    const backOrLatest = random.chance(0.5) ? 0 : back;
    // Two nodes at once is what these would lead to.
    const often = runsOneByOne(this.traits) ? 0 : 2;
    const hows = ["continue", "invoke", "answer", "command"] as const;
    const choices: readonly (readonly [weight: number, make: () => Action])[] = [
      [3, () => ({ kind: "invoke", channels })],
      [3, () => ({ kind: "continue" })],
      [6, () => ({ kind: "answer", how: random.pick(["all", "first", "plain"]) })],
      [often, () => ({ kind: "command", goto: this.pickNodes(random.between(0, 2)), channels })],
      [
        2,
        () => ({
          kind: "update",
          back: backOrLatest,
          update: random.chance(0.8) ? this.makeUpdate() : { channels },
        }),
      ],
      [
        often,
        () => ({
          kind: "bulk-update",
          back: backOrLatest,
          supersteps: random.sample([0, 1], random.between(1, 2)).map(() => {
            return Array.from({ length: random.between(1, 3) }, () => this.makeUpdate());
          }),
        }),
      ],
      [4, () => ({ kind: "fork", back, how: random.pick(hows.slice(0, often + 2)), channels })],
      [
        1,
        () => ({ kind: "copy", back, update: random.chance(0.5) ? this.makeUpdate() : undefined }),
      ],
      [1, () => ({ kind: "end" })],
      [1, () => ({ kind: "update-as-input", channels })],
      [1, () => ({ kind: "update-subgraph" })],
    ];
    const total = choices.reduce((sum, [weight]) => sum + weight, 0);
    let left = random.between(1, total);
    const chosen = choices.find(([weight]) => (left -= weight) <= 0)!;
    return chosen[1]();
  }

  private makeUpdate(): Update {
    return { asNode: this.pickNodes(1)[0]!, channels: this.pickChannels() };
  }

  private pickNodes(count: number): string[] {
    return this.random.sample(
      this.root.nodes.map((node) => node.name),
      count,
    );
  }

  private pickChannels(): string[] {
    return pickWrites(this.random, this.root.channels);
  }
}

/** The names of all nodes that are no graphs, in subgraphs too. */
function listPlainNodes({ nodes }: GraphSpec): string[] {
  return nodes.flatMap(({ name, subgraph }) =>
    subgraph === undefined ? [name] : listPlainNodes(subgraph.graph),
  );
}
