import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** A label's name is in use already in its thread and namespace. Nothing was changed. */
export class LabelTakenError extends ThreadkeepError {
  /** The errors of this class have the code `LABEL_TAKEN`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["LABEL_TAKEN"];
  /** `"LabelTakenError"`, also in minified code. */
  override readonly name: string = "LabelTakenError";

  /** The thread of the label. */
  readonly threadId: string;
  /** The name that is taken. */
  readonly label: string;
  /** The checkpoint that has it. */
  readonly checkpointId: string;

  /**
   * @param threadId the thread of the label
   * @param label the name that is taken
   * @param checkpointId the checkpoint that has it
   */
  constructor(threadId: string, label: string, checkpointId: string) {
    super(
      "LABEL_TAKEN",
      `The label ${JSON.stringify(label)} of thread "${threadId}" belongs to checkpoint ${checkpointId}. ` +
        "Choose another name, or take it off first with removeLabel.",
    );
    this.threadId = threadId;
    this.label = label;
    this.checkpointId = checkpointId;
  }
}
