import { FAILURE_RULES, type ClassifiedError, type FailureRule } from "./failure-rules.ts";

function matchesStatus(rule: FailureRule, status: number | undefined): boolean {
  if (rule.status === undefined) return true;
  // An error without a status may be any of those whose body says what is wrong.
  if (status === undefined) return rule.text !== undefined || rule.when !== undefined;
  return typeof rule.status === "function" ? rule.status(status) : rule.status.includes(status);
}

/** Whether `value` is one of the texts or matches one of the patterns. */
function isOneOf(patterns: readonly (RegExp | string)[], value: string | undefined): boolean {
  if (value === undefined) return false;
  return patterns.some((pattern) =>
    typeof pattern === "string" ? pattern === value : pattern.test(value),
  );
}

function matches(rule: FailureRule, error: ClassifiedError): boolean {
  const { code, param, text, when } = rule;
  if (!matchesStatus(rule, error.status)) return false;
  if (param && !isOneOf(param, error.param)) return false;
  if (code && ![error.code, error.type, ...error.names].some((name) => isOneOf(code, name))) {
    return false;
  }
  return (!text || isOneOf(text, error.message)) && (!when || when(error));
}

/** The first rule that holds for an error. */
export function findFailureRule(error: ClassifiedError): FailureRule | undefined {
  return FAILURE_RULES.find((rule) => matches(rule, error));
}
