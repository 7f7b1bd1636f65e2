import { BSON, type Document } from "mongodb";

// The part of MongoDB's wire protocol that drivers use
// (https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol): OP_MSG, and for the handshake
// OP_QUERY with OP_REPLY.

const OP_REPLY = 1;
const OP_QUERY = 2_004;
const OP_MSG = 2_013;

const HEADER_BYTES = 16;
/** Of OP_REPLY, what stands between the header and the document. */
const REPLY_PREFIX_BYTES = 20;

/** Flags of OP_MSG. */
const NO_REPLY = 2;

/** Keeps each type as it is: what is not changed is passed on as it came. */
const EXACT = { promoteValues: false, promoteBuffers: false, bsonRegExp: true } as const;

/** A command or a reply on its way. */
export interface WireMessage {
  readonly requestId: number;
  readonly responseTo: number;
  readonly document: Document;
  /** Whether the server sends no reply to it. */
  readonly isOneWay: boolean;
  /** All of it, as it came. */
  readonly bytes: Buffer;
}

/** Reads a message; all of it must be there. */
export function readMessage(bytes: Buffer): WireMessage {
  const opCode = bytes.readInt32LE(12);
  return {
    requestId: bytes.readInt32LE(4),
    responseTo: bytes.readInt32LE(8),
    document: readDocument(bytes, opCode),
    isOneWay: opCode === OP_MSG && (bytes.readUInt32LE(HEADER_BYTES) & NO_REPLY) !== 0,
    bytes,
  };
}

/** The same command with another content. */
export function changeCommand({ bytes, requestId }: WireMessage, command: Document): Buffer {
  if (bytes.readInt32LE(12) !== OP_MSG) throw new Error("A handshake cannot be changed.");
  return writeMessage(requestId, 0, OP_MSG, command);
}

/** A reply to a command, of the kind that belongs to it. */
export function writeReply({ bytes, requestId }: WireMessage, reply: Document): Buffer {
  const opCode = bytes.readInt32LE(12) === OP_QUERY ? OP_REPLY : OP_MSG;
  return writeMessage(0, requestId, opCode, reply);
}

/** Cuts what comes by a connection into messages. */
export class MessageCutter {
  #pieces: Buffer[] = [];
  #length = 0;

  /** Takes a piece, and gives the messages that it completes. */
  take(piece: Buffer): Buffer[] {
    this.#pieces.push(piece);
    this.#length += piece.byteLength;
    const messages: Buffer[] = [];
    for (let next = this.#cutNext(); next !== undefined; next = this.#cutNext())
      messages.push(next);
    return messages;
  }

  #cutNext(): Buffer | undefined {
    if (this.#length < HEADER_BYTES) return undefined;
    if (this.#pieces[0]!.byteLength < HEADER_BYTES) this.#join();
    const bytes = this.#pieces[0]!.readInt32LE(0);
    if (this.#length < bytes) return undefined;
    this.#join();
    const all = this.#pieces[0]!;
    this.#pieces = [all.subarray(bytes)];
    this.#length -= bytes;
    return all.subarray(0, bytes);
  }

  #join(): void {
    this.#pieces = [Buffer.concat(this.#pieces)];
  }
}

function readDocument(bytes: Buffer, opCode: number): Document {
  switch (opCode) {
    case OP_MSG:
      return readSections(bytes);
    case OP_REPLY:
      return BSON.deserialize(bytes.subarray(HEADER_BYTES + REPLY_PREFIX_BYTES), EXACT);
    case OP_QUERY: {
      // Flags, the collection's name, and two numbers come before the document.
      const nameEnd = bytes.indexOf(0, HEADER_BYTES + 4);
      return BSON.deserialize(bytes.subarray(nameEnd + 9), EXACT);
    }
    default:
      throw new Error(`A message of kind ${opCode} is not known here.`);
  }
}

/** A body, and lists of documents that belong into it. */
function readSections(bytes: Buffer): Document {
  let document: Document = {};
  const lists: Record<string, Document[]> = {};
  for (let at = HEADER_BYTES + 4; at < bytes.byteLength;) {
    const kind = bytes[at]!;
    const end = at + 1 + bytes.readInt32LE(at + 1);
    if (kind === 0) {
      document = BSON.deserialize(bytes.subarray(at + 1, end), EXACT);
    } else {
      const nameEnd = bytes.indexOf(0, at + 5);
      const documents: Document[] = [];
      for (let next = nameEnd + 1; next < end;) {
        const nextEnd = next + bytes.readInt32LE(next);
        documents.push(BSON.deserialize(bytes.subarray(next, nextEnd), EXACT));
        next = nextEnd;
      }
      lists[bytes.toString("utf8", at + 5, nameEnd)] = documents;
    }
    at = end;
  }
  return { ...document, ...lists };
}

function writeMessage(
  requestId: number,
  responseTo: number,
  opCode: number,
  document: Document,
): Buffer {
  const body = BSON.serialize(document, { ignoreUndefined: true });
  const prefix = opCode === OP_REPLY ? writeReplyPrefix() : Buffer.alloc(5);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeInt32LE(HEADER_BYTES + prefix.byteLength + body.byteLength, 0);
  header.writeInt32LE(requestId, 4);
  header.writeInt32LE(responseTo, 8);
  header.writeInt32LE(opCode, 12);
  return Buffer.concat([header, prefix, body]);
}

function writeReplyPrefix(): Buffer {
  const prefix = Buffer.alloc(REPLY_PREFIX_BYTES);
  // One document.
  prefix.writeInt32LE(1, 16);
  return prefix;
}
