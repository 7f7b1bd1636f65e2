import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** A run names a graph that this process does not have. Nothing was changed. */
export class UnknownGraphError extends ThreadkeepError {
  /** The errors of this class have the code `UNKNOWN_GRAPH`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["UNKNOWN_GRAPH"];
  /** `"UnknownGraphError"`, also in minified code. */
  override readonly name: string = "UnknownGraphError";

  /** The name that was asked for. */
  readonly graph: string;

  /**
   * @param graph the name that was asked for
   * @param known the graphs that are known
   */
  constructor(graph: string, known: readonly string[]) {
    super(
      "UNKNOWN_GRAPH",
      `There is no graph "${graph}" in graphs. Known are: ${known.join(", ") || "none"}.`,
    );
    this.graph = graph;
  }
}
