export { checkRuntime } from "./check-runtime.ts";
export { packAside, unpackAside } from "./compression.ts";
export { decodeBytes } from "./decode-bytes.ts";
export type { AllowedObjects } from "./allowed-objects.ts";
export { assertLoadable } from "./assert-loadable.ts";
export { decodeValue } from "./decode-value.ts";
export { encodeValue } from "./encode-value.ts";
export { hasToJson } from "./plain-data.ts";
export { writePlainJson } from "./plain-json.ts";
