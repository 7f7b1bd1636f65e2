import { parseArgs } from "node:util";

export const HELP = `Builds what a release would publish and uses it as users do.

  pnpm release:dry             everything: each driver with each LangGraph, by npm and by pnpm
  pnpm release:dry --short     the oldest peers by npm and the newest by pnpm; what .ci/run does
  pnpm release:dry --output DIR  leaves the tarballs there, each with its SBOM and release notes

Nothing is published. The newest peers are the newest of the registry; with --short they are those that
the tests run on.`;

/** What the command line asks for. */
export interface Options {
  readonly help: boolean;
  readonly isShort: boolean;
  /** Where to leave the tarballs and what belongs to them. */
  readonly output: string | undefined;
}

/** @throws TypeError if there is an argument that is not known */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", short: "h", default: false },
      short: { type: "boolean", default: false },
      output: { type: "string" },
    },
  });
  return { help: values.help, isShort: values.short, output: values.output };
}
