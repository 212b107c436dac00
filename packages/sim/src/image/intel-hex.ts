import { BoardError } from "../board.js";
import { type FlashPiece, joinPieces } from "./flash-piece.js";

const DATA = 0;
const END = 1;
const EXTENDED_LINEAR_ADDRESS = 4;
/** Others that the format knows and that say nothing of memory: segment and start addresses. */
const EXTENDED_SEGMENT_ADDRESS = 2;
const ROW = 16;

/** Intel HEX text of pieces: 16 bytes a line, extended linear addresses, lines end in `\n`. */
export function writeIntelHex(pieces: readonly FlashPiece[]): string {
  const lines: string[] = [];
  let high = -1;
  for (const { address, bytes } of joinPieces(pieces)) {
    for (let at = 0; at < bytes.length; ) {
      const to = address + at;
      if (to >>> 16 !== high) {
        high = to >>> 16;
        lines.push(record(EXTENDED_LINEAR_ADDRESS, 0, [high >> 8, high & 255]));
      }
      // Rows begin at multiples of 16, so that none crosses 64 KB.
      const count = Math.min(ROW - (to % ROW), bytes.length - at);
      lines.push(record(DATA, to & 0xffff, bytes.subarray(at, at + count)));
      at += count;
    }
  }
  lines.push(record(END, 0, []), "");
  return lines.join("\n");
}

function record(type: number, offset: number, data: ArrayLike<number>): string {
  const bytes = [data.length, offset >> 8, offset & 255, type, ...Array.from(data)];
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  return `:${[...bytes, -sum & 255].map((byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join("")}`;
}

/** Pieces of an Intel HEX file. Throws BoardError naming the line for what is no record, a wrong sum or a missing end. */
export function readIntelHex(text: string): FlashPiece[] {
  const pieces: FlashPiece[] = [];
  let base = 0;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line === "") continue;
    const { type, offset, data } = parse(line, index + 1);
    if (type === END) return joinPieces(pieces);
    if (type === EXTENDED_LINEAR_ADDRESS) base = ((data[0]! << 24) | (data[1]! << 16)) >>> 0;
    if (type === EXTENDED_SEGMENT_ADDRESS) base = ((data[0]! << 8) | data[1]!) << 4;
    if (type === DATA) pieces.push({ address: base + offset, bytes: data });
  }
  throw new BoardError("hex file has no end record");
}

function parse(line: string, number: number): { type: number; offset: number; data: Uint8Array } {
  const bytes = Uint8Array.from(line.slice(1).match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  if (!/^:([0-9a-f]{2}){5,}$/i.test(line) || bytes.length !== bytes[0]! + 5) {
    throw new BoardError(`line ${number} of the hex file is no record`);
  }
  if ((bytes.reduce((sum, byte) => sum + byte, 0) & 255) !== 0) {
    throw new BoardError(`line ${number} of the hex file has a wrong checksum`);
  }
  return { type: bytes[3]!, offset: (bytes[1]! << 8) | bytes[2]!, data: bytes.slice(4, -1) };
}
