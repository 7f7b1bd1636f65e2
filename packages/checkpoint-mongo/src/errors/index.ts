export { CheckpointTooLargeError, type ChannelSize } from "./checkpoint-too-large-error.ts";
export {
  CorruptCheckpointError,
  type Corruption,
  type DamagedAddress,
} from "./corrupt-checkpoint-error.ts";
export { CorruptItemError } from "./corrupt-item-error.ts";
export { InvalidAddressError } from "./invalid-address-error.ts";
export { InvalidOptionsError } from "./invalid-options-error.ts";
export { SearchTooWideError } from "./search-too-wide-error.ts";
export { SetupError } from "./setup-error.ts";
export { ThreadkeepError, type ThreadkeepErrorCode } from "./threadkeep-error.ts";
export { UnserializableStateError } from "./unserializable-state-error.ts";
export { UnsupportedFormatError } from "./unsupported-format-error.ts";
export { unsupportedRuntime } from "./unsupported-runtime.ts";
export { WriteConflictError } from "./write-conflict-error.ts";
