import { BoardError } from "../board.js";

/** Bytes that belong at an address of flash. */
export interface FlashPiece {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/**
 * Pieces in ascending order, neighbours joined. Throws BoardError where two of them overlap.
 */
export function joinPieces(pieces: readonly FlashPiece[]): FlashPiece[] {
  const sorted = pieces.filter(({ bytes }) => bytes.length > 0).sort((a, b) => a.address - b.address);
  const joined: FlashPiece[] = [];
  for (const piece of sorted) {
    const last = joined.at(-1);
    const end = last === undefined ? -1 : last.address + last.bytes.length;
    if (last === undefined || end < piece.address) {
      joined.push(piece);
      continue;
    }
    if (end > piece.address) {
      throw new BoardError(
        `pieces of flash overlap: 0x${piece.address.toString(16)} lies before 0x${end.toString(16)}`,
      );
    }
    const bytes = new Uint8Array(last.bytes.length + piece.bytes.length);
    bytes.set(last.bytes);
    bytes.set(piece.bytes, last.bytes.length);
    joined[joined.length - 1] = { address: last.address, bytes };
  }
  return joined;
}

/** Erased flash. */
const ERASED = 0xff;

/**
 * A plain binary from `start` to the end of the last piece, gaps erased. Throws BoardError for a piece before `start`.
 */
export function writeBinary(pieces: readonly FlashPiece[], start: number): Uint8Array {
  const joined = joinPieces(pieces);
  const first = joined[0];
  const last = joined.at(-1);
  if (first === undefined || last === undefined) return new Uint8Array();
  if (first.address < start) {
    throw new BoardError(`image begins at 0x${first.address.toString(16)}, before 0x${start.toString(16)}`);
  }
  const binary = new Uint8Array(last.address + last.bytes.length - start).fill(ERASED);
  for (const { address, bytes } of joined) binary.set(bytes, address - start);
  return binary;
}
