import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/** No checkpoint of a thread has a label. Nothing was changed. */
export class LabelNotFoundError extends ThreadkeepError {
  /** The errors of this class have the code `LABEL_NOT_FOUND`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["LABEL_NOT_FOUND"];
  /** `"LabelNotFoundError"`, also in minified code. */
  override readonly name: string = "LabelNotFoundError";

  /** The thread that was searched. */
  readonly threadId: string;
  /** The label that is not there. */
  readonly label: string;

  /**
   * @param threadId the thread that was searched
   * @param label the name that is not there
   * @param mayBeId whether the name could also have been the id of a checkpoint
   */
  constructor(threadId: string, label: string, mayBeId = false) {
    const what = mayBeId ? "no checkpoint and no label with this name" : "no label with this name";
    super(
      "LABEL_NOT_FOUND",
      `Thread "${threadId}" has ${what}: ${JSON.stringify(label)}. listLabels(threadId) gives all labels.`,
    );
    this.threadId = threadId;
    this.label = label;
  }
}
