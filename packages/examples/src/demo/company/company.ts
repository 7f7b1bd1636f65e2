import type { Evidence } from "../agent/state.ts";

/** What the agent can have done. */
export const ACTIONS = [
  "open_incident",
  "post_update",
  "roll_back",
  "check_recovery",
  "publish_report",
] as const;

/** One of the things that the agent can have done. */
export type Action = (typeof ACTIONS)[number];

/** Details of an action, by name. */
export type ActionArguments = Readonly<Record<string, unknown>>;

/** The systems that the agent reads from and acts on. */
export interface Company {
  /** What each monitoring system says. Changes nothing. */
  collectEvidence(): Promise<Evidence[]>;

  /**
   * Does something.
   *
   * @param key the same each time the same order is given. A step that was cut off gives its order
   *   again, and the company has to see that it is the same one.
   * @returns what the system says about it
   */
  act(action: Action, args: ActionArguments, key: string): Promise<string>;
}
