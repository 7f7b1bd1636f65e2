export { MongoDBCallJournal } from "./mongodb-call-journal.ts";
export { MongoDBCostLedger } from "./mongodb-cost-ledger.ts";
export type { MongoDBCostLedgerOptions } from "./cost-ledger-options.ts";
export type { MongoClientLike, MongoDBCallJournalOptions } from "./options.ts";
export type { BudgetLimits, Expense, ExpenseForecast } from "../cost/budget.ts";
export type { BudgetPeriod } from "../cost/budget-period.ts";
export type { CostEntry, CostTotals } from "../cost/cost-account.ts";
export { CostReports } from "../ledger/cost-reports.ts";
export type {
  BudgetState,
  CostDimension,
  CostFilter,
  CostLedger,
  CostQuery,
  CostSum,
  LedgerBudget,
  LedgerEntry,
  LedgerReservation,
  ReservationResult,
} from "../cost/cost-ledger.ts";
