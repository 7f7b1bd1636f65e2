import type { z } from "zod";
import { joinAlternatives } from "./describe-schema.ts";
import { findNearestName } from "./find-nearest-name.ts";

/** An option whose value is not what it must be. */
export interface InvalidOption {
  readonly kind: "invalid";
  readonly path: readonly PropertyKey[];
  /** For example `a number`. */
  readonly expected: string;
  readonly value: unknown;
  /** The allowed text that is most like the value, quoted. */
  readonly nearest: string | undefined;
}

/** An option that does not exist. */
export interface UnknownOption {
  readonly kind: "unknown";
  /** Where it stands. */
  readonly path: readonly PropertyKey[];
  readonly name: string;
  /** The known name that is most like it, or the path of one in a group. */
  readonly nearest: string | undefined;
  /** The names that are known there. */
  readonly known: readonly string[];
}

/** The names that are known in one object. */
export interface KnownNames {
  readonly here: readonly string[];
  /** The paths of those in its groups. */
  readonly inGroups: readonly string[];
}

/** What is wrong with an option. */
export type OptionProblem = InvalidOption | UnknownOption;

type Issue = z.core.$ZodIssue;

/**
 * What zod found wrong, option by option. A value that fits none of several shapes is held against the
 * shape that it is meant to have, where that shows.
 *
 * @param issues with messages that say what is expected; a union's message may be empty
 * @param value what was checked
 * @param known for the unknown names that zod found in an object, the names that are known there
 */
export function listProblems(
  issues: readonly Issue[],
  value: unknown,
  known: ReadonlyMap<readonly string[], KnownNames>,
  path: readonly PropertyKey[] = [],
): OptionProblem[] {
  return issues.flatMap((issue): OptionProblem[] => {
    const at = [...path, ...issue.path];
    const given = readPath(value, issue.path);
    if (issue.code === "unrecognized_keys") {
      const { here, inGroups } = known.get(issue.keys) ?? { here: [], inGroups: [] };
      return issue.keys.map((name) => {
        const nearest = findNearestName(name, here) ?? findNearestPath(name, inGroups);
        return { kind: "unknown", path: at, name, nearest, known: here };
      });
    }
    if (issue.code === "invalid_union") {
      const meant = issue.errors.find((branch) => branch.every(isInside));
      if (meant !== undefined) return listProblems(meant, given, known, at);
    }
    const nearest =
      issue.code === "invalid_value" && typeof given === "string"
        ? findNearestName(
            given,
            issue.values.filter((one) => typeof one === "string"),
          )
        : undefined;
    const quoted = nearest === undefined ? undefined : JSON.stringify(nearest);
    return [
      { kind: "invalid", path: at, expected: readExpected(issue), value: given, nearest: quoted },
    ];
  });
}

/** The path that ends in the name that is most like `name`. */
function findNearestPath(name: string, paths: readonly string[]): string | undefined {
  const byName = new Map(paths.map((path) => [path.split(".").at(-1)!, path]));
  const nearest = findNearestName(name, [...byName.keys()]);
  return nearest === undefined ? undefined : byName.get(nearest);
}

/** Whether the issue is about a part of the value: the value itself is of the right kind. */
function isInside({ code, path }: Issue): boolean {
  return path.length > 0 || code === "unrecognized_keys";
}

/** What an issue says is expected; of a union without a message of its own, what its members say. */
function readExpected(issue: Issue): string {
  if (issue.code === "invalid_union" && issue.message === "") {
    const members = issue.errors.flat().filter(({ path }) => path.length === 0);
    return joinAlternatives([...new Set(members.map(readExpected))]);
  }
  return issue.message.replace(/^expected /, "");
}

function readPath(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const key of path) found = (found as Readonly<Record<PropertyKey, unknown>> | null)?.[key];
  return found;
}
