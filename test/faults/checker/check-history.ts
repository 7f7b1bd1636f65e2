import type { History } from "../history/history.ts";
import { CheckedHistory } from "./checked-history.ts";
import { checkContents } from "./rules/contents.ts";
import { checkLosses } from "./rules/losses.ts";
import { checkOrder } from "./rules/order.ts";
import { checkDamages, checkOutcomes } from "./rules/outcomes.ts";
import type { Violation } from "./violation.ts";

const rules: readonly ((checked: CheckedHistory) => Violation[])[] = [
  checkLosses,
  checkContents,
  checkOrder,
  checkDamages,
  checkOutcomes,
];

/** Finds everything in a history that a saver must not do. */
export function checkHistory(history: History): Violation[] {
  const checked = new CheckedHistory(history);
  return rules.flatMap((rule) => rule(checked));
}
