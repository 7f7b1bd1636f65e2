import { expect, it } from "vitest";
import { findPeriodStart } from "./budget-period.ts";

const NOW_MS = Date.UTC(2026, 10, 27, 23, 59, 59, 999);

it("a day and a month begin at midnight UTC", () => {
  expect(findPeriodStart("day", NOW_MS)).toBe(Date.UTC(2026, 10, 27));
  expect(findPeriodStart("day", NOW_MS + 1)).toBe(Date.UTC(2026, 10, 28));
  expect(findPeriodStart("month", NOW_MS)).toBe(Date.UTC(2026, 10, 1));
});
