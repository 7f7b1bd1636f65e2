/** The bounds of a chunk, in UTF-16 units. */
const MIN_LENGTH = 16_384;
const MAX_LENGTH = 262_144;

/** A cut is where these bits of the rolling hash are zero: every 65,536 characters on average. */
const CUT_MASK = 0xff_ff_00_00;

/**
 * Cuts a text at places that depend only on the 32 characters before them, so a change moves only the cuts
 * around it: content-defined chunking with a gear hash (Xia et al., "FastCDC", USENIX ATC 2016). A cut
 * never separates a surrogate pair.
 */
export function* cutText(text: string): Generator<string> {
  for (let start = 0; start < text.length;) {
    const end = findCut(text, start);
    yield text.slice(start, end);
    start = end;
  }
}

function findCut(text: string, start: number): number {
  const last = Math.min(start + MAX_LENGTH, text.length);
  let hash = 0;
  let end = Math.min(start + MIN_LENGTH, last);
  while (end < last) {
    hash = ((hash << 1) + GEAR[text.charCodeAt(end) & 0xff]!) | 0;
    end += 1;
    if ((hash & CUT_MASK) === 0) break;
  }
  const isInPair = end < text.length && isHighSurrogate(text.charCodeAt(end - 1));
  return isInPair ? end + 1 : end;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd8_00 && unit <= 0xdb_ff;
}

/** A number for each byte. It must never change, or equal texts would be cut differently. */
const GEAR: Int32Array = makeGear();

function makeGear(): Int32Array {
  const gear = new Int32Array(256);
  // Marsaglia's xorshift, "Xorshift RNGs", Journal of Statistical Software 8 (2003).
  let state = 0x9e_37_79_b9 | 0;
  for (let index = 0; index < gear.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    gear[index] = state;
  }
  return gear;
}
