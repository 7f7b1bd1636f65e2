import { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";

/**
 * A stored value names a LangChain class that is not in the list of allowed ones. No object of it was
 * created, and nothing was returned.
 */
export class ClassNotAllowedError extends ThreadkeepError {
  /** The errors of this class have the code `CLASS_NOT_ALLOWED`. */
  static override readonly codes: readonly ThreadkeepErrorCode[] = ["CLASS_NOT_ALLOWED"];
  /** `"ClassNotAllowedError"`, also in minified code. */
  override readonly name: string = "ClassNotAllowedError";

  /** The id of the class, as `allowedObjects` takes it. */
  readonly classId: string;

  /** @param classId the id of the class, as `allowedObjects` takes it */
  constructor(classId: string) {
    super(
      "CLASS_NOT_ALLOWED",
      `A stored value holds an object of the LangChain class ${classId}, which is not allowed: ` +
        "otherwise whoever can write to the database could choose which class is instantiated. If " +
        "your graphs store such objects, name the class in the option allowedObjects.",
    );
    this.classId = classId;
  }
}
