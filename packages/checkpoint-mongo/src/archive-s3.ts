import "./check-node.ts";
export { S3ArchiveStore, type S3ArchiveStoreOptions } from "./archive-store/s3-archive-store.ts";
