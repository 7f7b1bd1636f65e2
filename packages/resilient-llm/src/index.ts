import "./check-node.ts";
export {
  ResilientChatModel,
  type OutputSchema,
  type ResilientCallOptions,
} from "./resilient-chat-model.ts";
export type {
  AdaptiveStrategy,
  BreakerOptions,
  ContextOptions,
  EmptyAnswerHandling,
  FallbackOptions,
  HedgeOptions,
  ResilientChatModelOptions,
  RetryOptions,
  StreamRecovery,
  TimeoutOptions,
} from "./options/resilient-chat-model-options.ts";
export { InMemoryCallJournal } from "./journal/in-memory-journal.ts";
export type {
  CallJournal,
  JournalAnswer,
  JournalClaim,
  JournalEntry,
  JournalEntryKind,
  JournalKey,
  JournalPiece,
  JournalResponse,
  JournalWrite,
  KeyedEntry,
  OpenedEntry,
} from "./journal/call-journal.ts";
export type { NamedTask } from "./journal/call-address.ts";
export type { JournaledPart, JournalOptions, KeeperOptions } from "./options/journal-options.ts";
export { InMemoryLatencyStore } from "./candidate/in-memory-latency-store.ts";
export type { LatencyStore } from "./options/latency-store.ts";
export type {
  CandidateFields,
  CandidateOptions,
  EndpointOptions,
  ModelOption,
  RateLimitOptions,
} from "./options/candidate-options.ts";
export type { SimulatedFault, SimulateFaultsOptions } from "./options/simulated-faults.ts";
export type { RateLimiterFactory } from "./options/rate-limiter-factory.ts";
export type { AttemptRecord } from "./failure/attempt-record.ts";
export { formatTimeline } from "./failure/attempt-record.ts";
export type { ResilienceMetadata } from "./answer/resilience-metadata.ts";
export type { TrimOptions, TrimResult } from "./context/trim-messages.ts";
export { trimToWindow } from "./context/trim-to-window.ts";
export { estimatePromptTokens } from "./context/estimate-tokens.ts";
export type { BudgetLimits, BudgetNotice, Expense, ExpenseForecast } from "./cost/budget.ts";
export type { BudgetOptions, KeyBudgetLimits, Spender } from "./cost/budget-book.ts";
export type { BudgetPeriod } from "./cost/budget-period.ts";
export type { CostEntry, CostTotals } from "./cost/cost-account.ts";
export { CostTracker, type CostSnapshot } from "./cost/cost-tracker.ts";
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
} from "./cost/cost-ledger.ts";
export { InMemoryCostLedger } from "./ledger/in-memory-cost-ledger.ts";
export {
  type BudgetMiddleware,
  budgetMiddleware,
  type BudgetMiddlewareOptions,
} from "./ledger/budget-middleware.ts";
export { CostReports } from "./ledger/cost-reports.ts";
export type {
  LedgerBudgetOptions,
  LedgerOptions,
  PeriodicLimits,
} from "./options/ledger-options.ts";
export { LedgerUnavailableError } from "./errors/ledger-unavailable-error.ts";
export type { CostSource } from "./cost/model-costs.ts";
export type { Pricing } from "./cost/pricing.ts";
export type { TokenUsage } from "./cost/token-usage.ts";
export { BudgetExceededError } from "./errors/budget-exceeded-error.ts";
export {
  AllCandidatesFailedError,
  AuthenticationError,
  ContentFilterError,
  ContextLengthError,
  InvalidResponseError,
  ModelCallError,
  StreamInterruptedError,
  type ModelCallErrorDetails,
  type PartialAnswer,
} from "./errors/model-call-error.ts";
export {
  StructuredOutputError,
  type StructuredOutputErrorDetails,
} from "./errors/structured-output-error.ts";
export { stopAtFinalErrors } from "./errors/stop-at-final-errors.ts";
export { JournalUnavailableError } from "./errors/journal-unavailable-error.ts";
export { ToolOutcomeUnknownError } from "./errors/tool-outcome-unknown-error.ts";
export {
  type InvokableTool,
  journaledTool,
  journalToolCalls,
  type JournalToolCallsOptions,
} from "./tools/journaled-tool.ts";
export type { SideEffects, ToolJournalOptions } from "./tools/tool-journal-options.ts";
export { settleToolCall, type ToolOutcome } from "./tools/settle-tool-call.ts";
export { InvalidOptionsError } from "./errors/invalid-options-error.ts";
export {
  ThreadkeepError,
  type ThreadkeepErrorCode,
  type ThreadkeepErrorOptions,
} from "./errors/threadkeep-error.ts";
export type { ClassifyOption, ProviderErrorDescription } from "./failure/classify-option.ts";
export type { Failure, FailureKind, TimeoutPhase } from "./failure/failure.ts";
export type { SimulatedFaultKind } from "./failure/simulated-fault-kind.ts";
export type { RetryQuotaOptions } from "./retry/retry-quota.ts";
export type {
  AttemptAbortedEvent,
  AttemptFailedEvent,
  AttemptReference,
  AttemptResult,
  AttemptStartedEvent,
  AttemptSucceededEvent,
  BreakerEvent,
  BreakerState,
  BudgetReachedEvent,
  BudgetWaitEvent,
  ContextTrimmedEvent,
  FallbackEvent,
  HedgeEvent,
  JournalFailedEvent,
  JournalReplayedEvent,
  JournalResumedEvent,
  JournalPickedUpEvent,
  JournalWaitEvent,
  KeeperFailedEvent,
  LatencyStoreFailedEvent,
  LedgerFailedEvent,
  RateLimiterFailedEvent,
  ResilienceEvent,
  ResilienceListener,
  RetryEvent,
  StreamContinuedEvent,
  StreamRestartedEvent,
  WaitHintBoundedEvent,
} from "./events/events.ts";
export type { Clock } from "./time/clock.ts";
export { formatCostTable } from "./cost/format-cost-table.ts";
export { AnswerParseError } from "./parsing/answer-parse-error.ts";
export type { Answer } from "./parsing/answer-text.ts";
export { parseJsonAnswer, type ParseJsonOptions } from "./parsing/parse-json-answer.ts";
export { parseTaggedAnswer } from "./parsing/parse-tagged-answer.ts";
