import type { BaseCheckpointSaver } from "@langchain/langgraph-checkpoint";
import { findDifference } from "./find-difference.ts";
import { Lifeline } from "./lifeline.ts";
import { normalizeList } from "./normalize-tuple.ts";
import { RelayingSaver, type SaverCall } from "./relaying-saver.ts";
import type { Shadow } from "./shadow.ts";

/**
 * A saver, and LangGraph's in-memory saver beside it: both get each call at the same moment, with the
 * same arguments, and what they return is compared.
 */
export class LockstepSaver extends RelayingSaver {
  /** What the saver returned otherwise than LangGraph's. */
  readonly differences: string[] = [];
  private readonly saver: BaseCheckpointSaver;
  private readonly shadow: Shadow;
  private readonly lifeline: Lifeline;

  constructor(saver: BaseCheckpointSaver, shadow: Shadow, lifeline: Lifeline = new Lifeline()) {
    super();
    this.saver = saver;
    this.shadow = shadow;
    this.lifeline = lifeline;
  }

  protected override async relay<T>(call: SaverCall<T>): Promise<T> {
    return this.lifeline.pass(call.name, async () => {
      const [actual, expected] = await Promise.allSettled([
        call.make(this.saver),
        call.make(this.shadow.memory),
      ]);
      const difference = this.compare(call, actual, expected);
      if (difference !== undefined) this.differences.push(`${call.name}\n${difference}`);
      if (actual.status === "rejected") throw actual.reason;
      return actual.value;
    });
  }

  private compare<T>(
    { tuples }: SaverCall<T>,
    actual: PromiseSettledResult<T>,
    expected: PromiseSettledResult<T>,
  ): string | undefined {
    // The wording of errors is each saver's own.
    if (actual.status === "rejected" && expected.status === "rejected") return undefined;
    const normalize = (outcome: PromiseSettledResult<T>): unknown => {
      if (outcome.status === "rejected") return String(outcome.reason);
      if (tuples === undefined) return outcome.value;
      return normalizeList(tuples(outcome.value));
    };
    return findDifference(normalize(actual), normalize(expected));
  }
}
