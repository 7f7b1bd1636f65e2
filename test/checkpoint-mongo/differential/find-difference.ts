import { BaseMessage } from "@langchain/core/messages";
import { isDeltaSnapshot } from "@langchain/langgraph-checkpoint";

/** Shows the first places where two values differ, line by line; nothing if they do not. */
export function findDifference(actual: unknown, expected: unknown): string | undefined {
  return compareLines(flatten(actual), flatten(expected));
}

const CONTEXT_LINES = 3;
const MAX_LINES = 6;

export function compareLines(
  actual: readonly string[],
  expected: readonly string[],
): string | undefined {
  let start = 0;
  while (start < actual.length && actual[start] === expected[start]) start += 1;
  if (start === actual.length && start === expected.length) return undefined;
  const show = (lines: readonly string[]) =>
    lines.slice(start, start + MAX_LINES).map((line) => `      ${line}`);
  return [
    ...actual.slice(Math.max(0, start - CONTEXT_LINES), start).map((line) => `      ${line}`),
    "    is:",
    ...show(actual),
    "    instead of:",
    ...show(expected),
  ].join("\n");
}

/** One line for each part of a value, with the way to it, in the order in which the parts come. */
export function flatten(value: unknown): string[] {
  const lines: string[] = [];
  collect(value, "", lines);
  return lines;
}

function collect(value: unknown, path: string, lines: string[]): void {
  if (typeof value !== "object" || value === null) {
    lines.push(`${path} = ${typeof value === "string" ? JSON.stringify(value) : String(value)}`);
  } else if (Array.isArray(value)) {
    lines.push(`${path} has ${value.length} items`);
    for (const [index, item] of value.entries()) collect(item, `${path}[${index}]`, lines);
  } else if (BaseMessage.isInstance(value)) {
    collect({ ...value.toDict().data, type: value.type }, `${path}(message)`, lines);
  } else if (isDeltaSnapshot(value)) {
    collect(value.value, `${path}(snapshot)`, lines);
  } else if ((value as { lg_name?: unknown }).lg_name === "Send") {
    // LangGraph's own serializer leaves the class away.
    const { node, args } = value as { node?: unknown; args?: unknown };
    collect({ node, args }, path, lines);
  } else {
    const keys = Object.keys(value);
    const type = Object.getPrototypeOf(value) as { constructor?: { name: string } } | null;
    const name = type?.constructor?.name ?? "Object";
    lines.push(`${path} is ${name === "Object" ? "an object" : name} of ${keys.join(", ")}`);
    for (const key of keys) {
      collect((value as Record<string, unknown>)[key], `${path}.${key}`, lines);
    }
  }
}
