import * as replies from "../../../resilient-llm/testing/replies.ts";
import type { Fault, PickFault } from "./fault.ts";
import { drawNumber } from "./scenario.ts";

/** Their sum is the `FAULT_SHARE`. */
const SHARES: readonly (readonly [number, Fault])[] = [
  [0.08, { reply: replies.error(429, { "retry-after": "1" }), paidTokens: 0 }],
  [0.05, { reply: replies.error(500), paidTokens: 0 }],
  [0.03, { reply: replies.error(503), paidTokens: 0 }],
  [0.02, { stopsAs: "stall" }],
  [0.02, { stopsAs: "cut" }],
  [0.02, { reply: replies.resetAtOnce, paidTokens: 0 }],
];

/** The faults of any server and network. */
export const pickNetworkFault: PickFault = ({ attempt, call, seed }) => {
  let position = drawNumber(seed, call, attempt);
  for (const [share, fault] of SHARES) {
    if (position < share) return fault;
    position -= share;
  }
  return undefined;
};
