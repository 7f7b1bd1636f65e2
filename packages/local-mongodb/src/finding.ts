import type { ServerProgram } from "./server-program.ts";

/**
 * What looking for a server in one place came to. Being absent is ordinary and goes on silently;
 * something that should have worked and did not is thrown instead, and gets a line in the log.
 */
export type Finding =
  | { readonly program: ServerProgram; readonly absent?: never }
  | { readonly program?: never; readonly absent: string };
