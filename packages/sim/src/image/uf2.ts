import { BoardError } from "../board.js";
import { type FlashPiece, joinPieces } from "./flash-piece.js";

/** Family of the nRF52840 in UF2 files. */
export const NRF52840_FAMILY = 0xada52840;

const MAGIC_START = [0x0a324655, 0x9e5d5157] as const;
const MAGIC_END = 0x0ab16f30;
const FLAG_FAMILY = 0x2000;
const FLAG_NOT_MAIN_FLASH = 1;
/**
 * ```
 * | magic 8 | flags 4 | address 4 | bytes 4 | block 4 | blocks 4 | family 4 | payload 256, zeros to 476 | magic 4 |
 * ```
 */
const BLOCK_BYTES = 512;
const HEADER_BYTES = 32;
const PAYLOAD_BYTES = 256;

/** UF2 file of pieces: blocks of 256 bytes at multiples of 256, what no piece fills is erased flash. */
export function writeUf2(pieces: readonly FlashPiece[], family = NRF52840_FAMILY): Uint8Array {
  const pages = new Map<number, Uint8Array>();
  for (const { address, bytes } of joinPieces(pieces)) {
    for (let at = 0; at < bytes.length; ) {
      const offset = (address + at) % PAYLOAD_BYTES;
      const page = address + at - offset;
      const part = bytes.subarray(at, at + PAYLOAD_BYTES - offset);
      if (!pages.has(page)) pages.set(page, new Uint8Array(PAYLOAD_BYTES).fill(0xff));
      pages.get(page)!.set(part, offset);
      at += part.length;
    }
  }
  const file = new Uint8Array(pages.size * BLOCK_BYTES);
  const view = new DataView(file.buffer);
  let block = 0;
  for (const [address, payload] of pages) {
    const at = block * BLOCK_BYTES;
    const words = [...MAGIC_START, FLAG_FAMILY, address, PAYLOAD_BYTES, block, pages.size, family];
    words.forEach((word, i) => {
      view.setUint32(at + 4 * i, word, true);
    });
    file.set(payload, at + HEADER_BYTES);
    view.setUint32(at + BLOCK_BYTES - 4, MAGIC_END, true);
    block++;
  }
  return file;
}

/** Pieces of a UF2 file that are meant for `family`. Throws BoardError naming the block for what is none. */
export function readUf2(file: Uint8Array, family = NRF52840_FAMILY): FlashPiece[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const blocks = Math.ceil(file.length / BLOCK_BYTES);
  if (file.length % BLOCK_BYTES !== 0) throw new BoardError(`uf2 file has ${file.length} bytes, no whole blocks`);
  const pieces: FlashPiece[] = [];
  for (let block = 0; block < blocks; block++) {
    const at = block * BLOCK_BYTES;
    const word = (i: number): number => view.getUint32(at + 4 * i, true);
    const isBlock = word(0) === MAGIC_START[0] && word(1) === MAGIC_START[1] && word(127) === MAGIC_END;
    if (!isBlock || word(4) > 476) throw new BoardError(`block ${block} of the uf2 file is no uf2 block`);
    if (word(5) !== block || word(6) !== blocks) {
      throw new BoardError(`block ${block} of the uf2 file says it is ${word(5)} of ${word(6)}, there are ${blocks}`);
    }
    const isOther = (word(2) & FLAG_FAMILY) !== 0 && word(7) !== family;
    if (isOther || (word(2) & FLAG_NOT_MAIN_FLASH) !== 0) continue;
    pieces.push({ address: word(3), bytes: file.slice(at + HEADER_BYTES, at + HEADER_BYTES + word(4)) });
  }
  return joinPieces(pieces);
}
