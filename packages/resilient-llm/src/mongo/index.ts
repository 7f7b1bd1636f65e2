export { MongoDBCallJournal } from "./mongodb-call-journal.ts";
export { MongoDBCostLedger } from "./mongodb-cost-ledger.ts";
export type { MongoDBCostLedgerOptions } from "./cost-ledger-options.ts";
export type { MongoClientLike, MongoDBCallJournalOptions } from "./options.ts";
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
