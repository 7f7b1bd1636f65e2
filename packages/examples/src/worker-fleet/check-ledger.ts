import type { Page } from "./ledger.ts";
import { ACTIONS } from "./orders.ts";

/**
 * What is wrong, by the ledger and by the threads: a run that did not end, an action that was left out, or one that its
 * thread has twice.
 */
export function checkLedger(
  runs: readonly { readonly runId: string; readonly status: string }[],
  pages: readonly Page[],
  threads: ReadonlyMap<string, readonly string[]>,
): string[] {
  const wrong: string[] = [];
  const byRun = new Map(pages.map((page) => [page._id, page]));
  for (const { runId, status } of runs) {
    if (status !== "done") wrong.push(`${runId} is ${status}`);
    const done = byRun.get(runId)?.done ?? {};
    for (const action of ACTIONS) {
      if (done[action] === undefined) wrong.push(`${runId}: ${action} is not in the ledger`);
    }
    const taken = threads.get(runId) ?? [];
    if (taken.join() !== ACTIONS.join()) wrong.push(`${runId}: its thread has ${taken.join()}`);
  }
  for (const page of pages) {
    if (!runs.some(({ runId }) => runId === page._id)) wrong.push(`${page._id} is unknown`);
  }
  return wrong;
}
