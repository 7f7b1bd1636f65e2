import { hasErrorCode, ThreadkeepError } from "./threadkeep-error.ts";

/**
 * What is stored names a LangChain class that is not among those that are made again. Nothing of it
 * was made or returned.
 */
export class ClassNotAllowedError extends ThreadkeepError {
  /** Its id, as `allowedObjects` takes it. */
  readonly classId: string;

  constructor(classId: string) {
    super(
      "CLASS_NOT_ALLOWED",
      `What is stored holds an object of the LangChain class ${classId}, which is not read: whoever ` +
        "can write to the database would choose what is made of it. If your graphs store such " +
        "objects, name the class in the option allowedObjects.",
    );
    this.classId = classId;
  }

  static override isInstance(value: unknown): value is ClassNotAllowedError {
    return hasErrorCode(value, "CLASS_NOT_ALLOWED");
  }
}
