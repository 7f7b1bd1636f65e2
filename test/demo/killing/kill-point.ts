import type { ModelCall } from "../recording/model-call.ts";

/** Where a worker is to be killed. */
export interface KillPoint {
  /** What the kill hits, for people. */
  title: string;
  /** The calls it hits. */
  hits: (call: ModelCall) => boolean;
  /**
   * How far those calls get.
   *
   * - `asked`: the request has come in, and goes no further
   * - `answering`: a part of the answer was sent, and no more follows
   * - `answered`: the whole answer was sent; chance decides what the worker does with it
   *
   * @default "asked"
   */
  when?: "asked" | "answering" | "answered";
  /**
   * How long after the answer the kill comes, in ms, where `when` is `answered`.
   *
   * @default 0
   */
  delayMs?: number;
}

/** Two of the four parallel analysts have finished, the other two wait for the model. */
export const halfFanOut: KillPoint = {
  title: "half of the parallel analysts done",
  hits: ({ role }) => role === "deployments analyst" || role === "database analyst",
};

/** The model has begun to answer the incident commander; the rest never arrives. */
export const midAnswer: KillPoint = {
  title: "in the middle of an answer",
  hits: ({ role }) => role === "incident commander",
  when: "answering",
};

/**
 * Inside the remediation agent: the release is rolled back, and the model is asked what comes next.
 */
export const insideSubgraph: KillPoint = {
  title: "inside the subgraph, after its first tool",
  hits: ({ role, turn }) => role === "remediation engineer" && turn === 2,
};

/** The demo's three kills, in the order in which the agent comes by them. */
export const DEMO_KILLS: readonly KillPoint[] = [halfFanOut, midAnswer, insideSubgraph];

/** As soon as the k-th request of the run has come in, counted from 1. It hits later ones too. */
export function atRequest(k: number): KillPoint {
  return { title: `request ${k} in flight`, hits: ({ id }) => id >= k };
}

/** While another model is asked a question that the first one has refused. */
export function afterRefusal(role: string, fallback: string): KillPoint {
  return {
    title: `${fallback} is asked what the ${role} got refused`,
    hits: (call) => call.role === role && call.model === fallback,
  };
}

/** Some milliseconds after a call has been answered, while the worker is about to store the answer. */
export function afterAnswerTo(role: string, turn: number, delayMs: number): KillPoint {
  return {
    title: `${delayMs} ms after the answer to the ${role}`,
    hits: (call) => call.role === role && call.turn === turn,
    when: "answered",
    delayMs,
  };
}
