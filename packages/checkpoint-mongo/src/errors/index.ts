export { CorruptCheckpointError, type Corruption } from "./corrupt-checkpoint-error.ts";
export { CorruptItemError } from "./corrupt-item-error.ts";
export { InvalidAddressError } from "./invalid-address-error.ts";
export { InvalidOptionsError } from "./invalid-options-error.ts";
export { SearchTooWideError } from "./search-too-wide-error.ts";
export { SetupError } from "./setup-error.ts";
export { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";
export { UnserializableStateError } from "./unserializable-state-error.ts";
export { WriteConflictError } from "./write-conflict-error.ts";
