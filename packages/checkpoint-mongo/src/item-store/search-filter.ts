import { types } from "node:util";
import { isPlainObject } from "../codec/values/plain-data.ts";
import { InvalidOptionsError } from "../errors/invalid-options-error.ts";
import { describeValue } from "../options/describe-value.ts";

/** Deeper filters are a mistake. */
const MAX_DEPTH = 20;

/** A condition of a MongoDB query. */
type Condition = Record<string, unknown>;

/** The condition that no document fulfils, and the one that every document fulfils. */
const NEVER: Condition = { _id: { $in: [] } };
const ALWAYS: Condition = {};

/**
 * Translates a filter of `search` into a condition on the documents. Names of fields never become operators,
 * and values never become conditions: only plain data is accepted.
 *
 * A value without an operator, and `$eq`, match only the same value: not an array that contains it, and
 * `null` does not match a missing field. Ranges compare within a type: numbers, strings, dates, booleans.
 *
 * @throws InvalidOptionsError if the filter has an unknown operator, or a field or value that cannot
 *   be compared with
 */
export function translateFilter(filter: unknown): Condition {
  if (filter === undefined || filter === null) return ALWAYS;
  return translateConditions(filter, "filter", 0);
}

function translateConditions(filter: unknown, where: string, depth: number): Condition {
  if (!isPlainObject(filter)) {
    refuse(where, "expected an object of fields and values", filter);
  }
  if (depth > MAX_DEPTH) refuse(where, `nested more than ${MAX_DEPTH} levels deep`, filter);
  const conditions = Object.entries(filter).map(([name, condition]) => {
    if (name === "$and" || name === "$or") {
      const parts = readList(condition, `${where}.${name}`).map((part, index) =>
        translateConditions(part, `${where}.${name}[${index}]`, depth + 1),
      );
      return name === "$and" ? all(parts) : any(parts);
    }
    if (name.startsWith("$")) {
      refuse(where, "unknown operator; of fields there are $and and $or", name);
    }
    return translateField(`value.${checkField(name, where)}`, condition, `${where}.${name}`);
  });
  return all(conditions);
}

function translateField(field: string, condition: unknown, where: string): Condition {
  if (!isPlainObject(condition)) return equals(field, condition, where);
  const operators = Object.keys(condition);
  const first = operators.find((name) => name.startsWith("$"));
  if (first === undefined && operators.length > 0) return equals(field, condition, where);
  return all(
    operators.map((operator) =>
      translateOperator(field, operator, condition[operator], `${where}.${operator}`),
    ),
  );
}

function translateOperator(
  field: string,
  operator: string,
  operand: unknown,
  where: string,
): Condition {
  switch (operator) {
    case "$eq":
      return equals(field, operand, where);
    case "$ne":
      return not(equals(field, operand, where));
    case "$gt":
    case "$gte":
    case "$lt":
    case "$lte":
      return compare(field, operator, operand, where);
    case "$in":
      return isOneOf(field, operand, where);
    case "$nin":
      return not(isOneOf(field, operand, where));
    case "$exists":
      if (typeof operand !== "boolean") refuse(where, "expected true or false", operand);
      return { [field]: { $exists: operand } };
    default:
      return refuse(
        where,
        "unknown operator; there are $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin and $exists",
        operator,
      );
  }
}

function equals(field: string, operand: unknown, where: string): Condition {
  if (operand === undefined) return { [field]: { $exists: false } };
  // In MongoDB a missing field equals null.
  if (operand === null) return all([{ [field]: { $type: "null" } }, isNoArray(field)]);
  if (Number.isNaN(operand)) return NEVER;
  const value = checkData(operand, where, 0);
  // MongoDB also matches an array that contains this array. Only the value itself may match.
  if (Array.isArray(value)) return { $expr: { $eq: [`$${field}`, { $literal: value }] } };
  return all([{ [field]: { $eq: value } }, isNoArray(field)]);
}

function compare(field: string, operator: string, operand: unknown, where: string): Condition {
  if (Number.isNaN(operand)) return NEVER;
  const isComparable =
    typeof operand === "number" ||
    typeof operand === "string" ||
    typeof operand === "boolean" ||
    types.isDate(operand);
  if (!isComparable) refuse(where, "expected a number, a string, a date or a boolean", operand);
  return all([{ [field]: { [operator]: checkData(operand, where, 0) } }, isNoArray(field)]);
}

function isOneOf(field: string, operand: unknown, where: string): Condition {
  return any(
    readList(operand, where).map((value, index) => equals(field, value, `${where}[${index}]`)),
  );
}

function isNoArray(field: string): Condition {
  return { [field]: { $not: { $type: "array" } } };
}

function all(conditions: readonly Condition[]): Condition {
  const [only, ...others] = conditions.filter((condition) => condition !== ALWAYS);
  if (only === undefined) return ALWAYS;
  return others.length === 0 ? only : { $and: [only, ...others] };
}

function any(conditions: readonly Condition[]): Condition {
  const [only, ...others] = conditions;
  if (only === undefined) return NEVER;
  if (conditions.includes(ALWAYS)) return ALWAYS;
  return others.length === 0 ? only : { $or: [only, ...others] };
}

function not(condition: Condition): Condition {
  if (condition === NEVER) return ALWAYS;
  return condition === ALWAYS ? NEVER : { $nor: [condition] };
}

/** Checks the fields of a path: none may be empty, an operator, or contain a NUL byte. */
function checkField(name: string, where: string): string {
  const fields = name.split(".");
  const bad = fields.some(
    (field) => field === "" || field.startsWith("$") || field.includes("\0") || !isWhole(field),
  );
  if (bad) {
    refuse(where, "expected fields without $ at the beginning and without NUL bytes", name);
  }
  return name;
}

/** Copies plain data. Operators and objects of the driver are refused. */
function checkData(value: unknown, where: string, depth: number): unknown {
  if (depth > MAX_DEPTH) refuse(where, `nested more than ${MAX_DEPTH} levels deep`, value);
  if (value === null || typeof value === "boolean" || typeof value === "number") return value;
  if (typeof value === "string") {
    return isWhole(value) ? value : refuse(where, "expected well-formed Unicode", value);
  }
  if (types.isDate(value) && !Number.isNaN(value.getTime())) return new Date(value);
  if (Array.isArray(value)) {
    return value.map((item, index) => checkData(item, `${where}[${index}]`, depth + 1));
  }
  if (isPlainObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => {
        if (
          key.startsWith("$") ||
          key.includes("\0") ||
          key === "_bsontype" ||
          key === "__proto__"
        ) {
          refuse(where, "expected data, no operators and no objects of the driver", key);
        }
        return [key, checkData(entry, `${where}.${key}`, depth + 1)];
      }),
    );
  }
  return refuse(where, "expected plain data to compare with", value);
}

function readList(value: unknown, where: string): readonly unknown[] {
  return Array.isArray(value) ? value : refuse(where, "expected an array", value);
}

function isWhole(text: string): boolean {
  return text.isWellFormed();
}

function refuse(where: string, expectation: string, value: unknown): never {
  throw new InvalidOptionsError(
    `Invalid ${where} of search: ${expectation}; got ${describeValue(value)}.`,
  );
}
