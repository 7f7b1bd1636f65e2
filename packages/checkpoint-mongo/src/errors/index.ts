export { CheckpointTooLargeError, type ChannelSize } from "./checkpoint-too-large-error.ts";
export { CorruptCheckpointError, type Corruption } from "./corrupt-checkpoint-error.ts";
export { InvalidAddressError } from "./invalid-address-error.ts";
export { InvalidOptionsError } from "./invalid-options-error.ts";
export { SetupError } from "./setup-error.ts";
export { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";
export { UnserializableStateError } from "./unserializable-state-error.ts";
export { WriteConflictError } from "./write-conflict-error.ts";
