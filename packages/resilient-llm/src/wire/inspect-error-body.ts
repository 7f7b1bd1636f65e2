import { classifyProviderError } from "../failure/classify-provider-error.ts";
import type { Failure } from "../failure/failure.ts";
import { readErrorReport, type ErrorReport } from "../failure/read-error-report.ts";
import { readBody } from "./body-limit.ts";
import type { WireWatch } from "./wire-watch.ts";

/** No error body is read further than this; what follows cannot help anybody. */
const LONGEST_ERROR_BODY_BYTES = 80_000;

function readReport(body: string): ErrorReport | undefined {
  try {
    return readErrorReport(JSON.parse(body));
  } catch {
    return undefined;
  }
}

/** Judges an answer with an error status. */
export async function inspectErrorBody(
  response: Response,
  watch: WireWatch,
): Promise<{ readonly failure: Failure; readonly body: string }> {
  const { text: body } = await readBody(response, LONGEST_ERROR_BODY_BYTES);
  const report = readReport(body);
  const { status, headers } = response;
  const failure = classifyProviderError(
    { ...report, status, message: report?.message ?? body, headers },
    watch.endpoint,
    watch.clock.now(),
  );
  return { failure, body };
}
