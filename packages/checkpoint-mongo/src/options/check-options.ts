import type { z } from "zod";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { describeExpectation, listGroupedNames, listOptionNames } from "./describe-schema.ts";
import { describeValue } from "./describe-value.ts";
import {
  listProblems,
  type KnownNames,
  type OptionProblem,
  type UnknownOption,
} from "./list-problems.ts";

/** What a name looks like. Anything else may be a secret in the place of one. */
const NAME = /^[A-Za-z_]{1,40}$/;

/** A longer list of known names helps nobody. */
const MAX_LISTED_NAMES = 12;

/** How {@link checkOptions} reports. */
export interface CheckOptionsSettings {
  /** Groups of options that hold secrets: what lies deeper than their own options is not named. */
  readonly secretGroups?: readonly string[];
}

/**
 * Checks options by a schema and fills in its defaults. A message that a schema has of its own says
 * what is expected. No text that was given is shown: it may be a secret, in whichever place.
 *
 * @param owner what has the options, for example `MongoDBSaver`
 * @throws InvalidOptionsError if anything is wrong: with every problem, one a line, as
 * `option: expected …, got …`
 */
export function checkOptions<Schema extends z.ZodType>(
  owner: string,
  schema: Schema,
  options: unknown,
  { secretGroups = [] }: CheckOptionsSettings = {},
): z.output<Schema> {
  const known = new Map<readonly string[], KnownNames>();
  const result = schema.safeParse(options, {
    error: (issue) => {
      if (issue.code === "unrecognized_keys") {
        const { inst } = issue;
        known.set(issue.keys, { here: listOptionNames(inst), inGroups: listGroupedNames(inst) });
      }
      return describeExpectation(issue);
    },
  });
  if (result.success) return result.data;
  const problems = listProblems(result.error.issues, options, known);
  const list = formatProblems(problems, (path) => secretGroups.includes(String(path[0])));
  throw new InvalidOptionsError(`Invalid options of ${owner}:\n${list.join("\n")}`);
}

/** One line for each option. One that breaks two rules has both in its line. */
function formatProblems(
  problems: readonly OptionProblem[],
  isSecret: (path: readonly PropertyKey[]) => boolean,
): string[] {
  const lines = new Map<string, string>();
  const expectations = new Map<string, string>();
  for (const problem of problems) {
    const { path } = problem;
    if (problem.kind === "unknown") {
      const line = formatUnknown(problem, isSecret(path));
      lines.set(line, line);
      continue;
    }
    const where = formatPath(isSecret(path) ? path.slice(0, 2) : path);
    const before = expectations.get(where);
    const expected = before === undefined ? problem.expected : `${before} and ${problem.expected}`;
    expectations.set(where, expected);
    const got = describeValue(problem.value);
    lines.set(where, `${where}: expected ${expected}, got ${got}${suggest(problem.nearest)}`);
  }
  return Array.from(lines.values(), (line) => `  ${line}`);
}

function formatUnknown({ path, name, nearest, known }: UnknownOption, isSecret: boolean): string {
  const isListed = nearest === undefined && known.length > 0 && known.length <= MAX_LISTED_NAMES;
  const advice = isListed ? `; known are ${known.join(", ")}` : suggest(nearest);
  // What is nearly a known name is that name misspelt. Anything else may be the secret itself.
  return NAME.test(name) && (!isSecret || nearest !== undefined)
    ? `${formatPath([...path, name])}: unknown option${advice}`
    : `${formatPath(path)}: an unknown option, whose name is not shown${advice}`;
}

function suggest(nearest: string | undefined): string {
  return nearest === undefined ? "" : `; did you mean ${nearest}?`;
}

/** For example `models[0].baseURL`. */
function formatPath(path: readonly PropertyKey[]): string {
  if (path.length === 0) return "options";
  return path.reduce<string>((before, key) => {
    if (typeof key === "number") return `${before}[${key}]`;
    const name = NAME.test(String(key)) ? String(key) : "…";
    return before === "" ? name : `${before}.${name}`;
  }, "");
}
