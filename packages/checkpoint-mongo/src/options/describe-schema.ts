import type { z } from "zod";

/** Kinds of values, by zod's name for them. */
const KINDS: Readonly<Record<string, string>> = {
  array: "an array",
  boolean: "true or false",
  function: "a function",
  int: "a whole number",
  map: "a Map",
  never: "nothing",
  object: "an object",
  record: "an object",
  set: "a Set",
  string: "a string",
  undefined: "nothing",
};

/**
 * What a schema expects of a value that does not fit, as a message for zod. Empty for a union: what it
 * expects is what its members expect.
 */
export function describeExpectation(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      // NaN and Infinity are numbers too, and never what is meant.
      if (issue.expected === "number") {
        return typeof issue.input === "number" ? "a finite number" : "a number";
      }
      return KINDS[issue.expected] ?? `a value of type ${issue.expected}`;
    case "too_small":
      return describeBound(issue.origin, issue.minimum, issue.inclusive ? "at least" : "above");
    case "too_big":
      return describeBound(issue.origin, issue.maximum, issue.inclusive ? "at most" : "below");
    case "invalid_value":
      return joinAlternatives(
        issue.values.map((value) =>
          typeof value === "string" ? JSON.stringify(value) : String(value),
        ),
      );
    case "invalid_format":
      return issue.format === "url" ? "a URL" : `a string in the format ${issue.format}`;
    case "invalid_union":
    case "unrecognized_keys":
      return "";
    default:
      return "another value";
  }
}

/** `a, b or c`. */
export function joinAlternatives(alternatives: readonly string[]): string {
  const last = alternatives.at(-1) ?? "";
  const others = alternatives.slice(0, -1);
  return others.length === 0 ? last : `${others.join(", ")} or ${last}`;
}

/**
 * The names of the options that an object's schema knows, without those that it knows to refuse
 * (`z.undefined().optional()`).
 */
export function listOptionNames(schema: unknown): string[] {
  return listOptions(schema).map(([name]) => name);
}

/** The paths of the options in the groups of an object's schema, for example `retry.maxRetries`. */
export function listGroupedNames(schema: unknown): string[] {
  return listOptions(schema).flatMap(([group, option]) =>
    listOptions(option).map(([name]) => `${group}.${name}`),
  );
}

function listOptions(schema: unknown): [name: string, option: z.ZodType][] {
  const { shape = {} } = schema as { readonly shape?: Readonly<Record<string, z.ZodType>> };
  return Object.entries(shape)
    .map(([name, option]): [string, z.ZodType] => [name, unwrap(option)])
    .filter(([, option]) => option._zod.def.type !== "undefined");
}

/** A schema without `optional`, `default` and the like around it. */
function unwrap(schema: z.ZodType): z.ZodType {
  const { innerType } = schema._zod.def as { readonly innerType?: z.ZodType };
  return innerType === undefined ? schema : unwrap(innerType);
}

function describeBound(origin: string, bound: number | bigint, relation: string): string {
  if (origin === "number" || origin === "int" || origin === "bigint") return `${relation} ${bound}`;
  if (relation === "at least" && bound === 1) {
    return origin === "string" ? "a string that is not empty" : "at least one element";
  }
  return `${relation} ${bound} ${origin === "string" ? "characters" : "elements"}`;
}
