import { count, type Proof, type RunEvidence } from "./proof.ts";

/** From the ledger outside of the agent: nothing was done to the world twice. */
export function proveActedOnce({ ledger }: RunEvidence): Proof {
  const keys = new Set(ledger.map(({ key }) => key));
  const violations: string[] = [];
  for (const key of keys) {
    const orders = ledger.filter((entry) => entry.key === key);
    if (orders.length > 1)
      violations.push(`${orders[0]?.action} was ordered ${orders.length} times (${key}).`);
  }
  if (ledger.length === 0) violations.push("The ledger is empty.");
  return {
    claim: "Every action on the outside world happened once",
    figures: `${count(keys.size, "order")}, ${count(ledger.length, "ledger entry", "ledger entries")}`,
    violations,
  };
}
