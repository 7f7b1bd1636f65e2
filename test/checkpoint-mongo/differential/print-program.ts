import type { GraphSpec, NodeSpec, Operation, Program } from "./program.ts";

/** A program as one would write it down. */
export function printProgram({ root, operations }: Program): string {
  return [
    ...printGraph(root),
    ...operations.map((operation, index) => `op${index}: ${printOperation(operation)}`),
  ].join("\n");
}

function printGraph(graph: GraphSpec): string[] {
  const { channels, entries, nodes, joins, interruptBefore, interruptAfter } = graph;
  return [
    `channels: ${channels
      .map(({ name, kind, snapshotFrequency }) =>
        kind.startsWith("delta") ? `${name}: ${kind} (${snapshotFrequency})` : `${name}: ${kind}`,
      )
      .join(", ")}`,
    `start: ${list(entries)}`,
    ...nodes.flatMap(printNode),
    ...joins.map(({ from, to }) => `join: ${list(from)} → ${JSON.stringify(to)}`),
    ...(interruptBefore.length > 0 ? [`interrupt before ${list(interruptBefore)}`] : []),
    ...(interruptAfter.length > 0 ? [`interrupt after ${list(interruptAfter)}`] : []),
  ];
}

function printNode({ name, writes, asks, next, worker, subgraph }: NodeSpec): string[] {
  const parts = [
    `node ${JSON.stringify(name)}`,
    ...(asks > 0 ? [`asks ${asks}×`] : []),
    ...(writes.length > 0 ? [`writes ${list(writes)}`] : []),
    ...(worker === undefined ? [] : [`works on what is sent, sends itself ${worker.again}× more`]),
    `→ ${printNext(next)}`,
  ];
  if (subgraph === undefined) return [parts.join(", ")];
  const { graph, checkpointer, call } = subgraph;
  return [
    `${parts.join(", ")}: subgraph as ${call}, saver ${checkpointer}`,
    ...printGraph(graph).map((line) => `    ${line}`),
  ];
}

function printNext(next: NodeSpec["next"]): string {
  const to = list(next.to);
  switch (next.kind) {
    case "all":
      return to;
    case "choose":
      return `one of ${to}`;
    case "command":
      return `by Command, one of ${to}`;
    case "send":
      return `${next.count} × Send ${JSON.stringify(next.worker)}, and ${to}`;
    case "loop":
      return `${next.times}× back to ${JSON.stringify(next.back)}, then ${to}`;
  }
}

function printOperation({ kind, durability, broken, ...rest }: Operation): string {
  const details = Object.entries(rest)
    .map(([key, value]) => `${key} ${JSON.stringify(value)}`)
    .join(", ");
  const failing = broken.length > 0 ? `, while ${list(broken)} fails` : "";
  return `${kind}${details && ` ${details}`} (${durability}${failing})`;
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "nothing" : names.map((name) => JSON.stringify(name)).join(", ");
}
