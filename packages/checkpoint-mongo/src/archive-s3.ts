import "./check-node.ts";
export type { ArchivedObject, ArchiveStore } from "./archive-store/archive-store.ts";
export {
  S3ArchiveStore,
  type S3ArchiveStoreOptions,
  type S3CommandSender,
} from "./archive-store/s3-archive-store.ts";
