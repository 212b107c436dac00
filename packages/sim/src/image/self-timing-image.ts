import { BoardError } from "../board.js";
import { type ElfFile, parseElf } from "../elf/elf.js";
import { type FramesOptions, framesImage } from "../runner/image.js";
import { RUNNER } from "../runner/map.gen.js";
import type { BootTarget } from "./boot-target.js";
import { type FlashPiece, joinPieces } from "./flash-piece.js";

/** Offsets from the runner's start behind a boot loader: firmware/images/boot_loader_map.h. */
const BEHIND_LOADER = { frames: 0x8000, model: 0x10000 } as const;
const VECTORS_BYTES = 256;
const PINS = 48;

export interface SelfTimingRequest {
  readonly target: BootTarget;
  readonly model: Uint8Array;
  readonly frames: Int16Array;
  readonly frameSize: number;
  readonly options?: FramesOptions;
  /** Pin of the UART text, port * 32 + pin; absent: the target's default. */
  readonly uartPin?: number;
}

/** Everything that goes into flash, and what a simulator needs to know of it. */
export interface SelfTimingImage {
  readonly target: BootTarget;
  readonly pieces: readonly FlashPiece[];
  readonly elf: ElfFile;
}

/**
 * One image of runner, model and frames: what a board needs to time the model by itself and to say so by UART.
 * Throws BoardError where a part does not fit or the target cannot choose its pin.
 */
export function selfTimingImage(request: SelfTimingRequest): SelfTimingImage {
  const { target, model, frames, frameSize } = request;
  const elf = parseElf(target.elf());
  const place = placesOf(elf);
  const framesBytes = framesImage(frames, frameSize, request.options);
  fits("model", model, place.model, target.flashEnd);
  fits("frames image", framesBytes, place.frames, Math.min(target.flashEnd, place.framesEnd));
  const code = elf.segments
    .filter(({ data }) => data.length > 0)
    .map(({ physical, data }) => ({ address: physical, bytes: data.slice() }));
  if (request.uartPin !== undefined) setPin(target, elf, code, request.uartPin);
  const pieces = [
    ...code,
    ...vectorsFor(target, code),
    { address: place.model, bytes: model },
    { address: place.frames, bytes: framesBytes },
  ];
  return { target, pieces: joinPieces(pieces), elf };
}

function placesOf(elf: ElfFile): { frames: number; framesEnd: number; model: number } {
  const start = elf.symbols.find(({ name }) => name === "_flash_start")?.address;
  if (start === undefined) {
    const framesEnd = RUNNER.FRAMES_ADDRESS + RUNNER.FRAMES_BYTES;
    return { frames: RUNNER.FRAMES_ADDRESS, framesEnd, model: RUNNER.MODEL_ADDRESS };
  }
  const model = start + BEHIND_LOADER.model;
  return { frames: start + BEHIND_LOADER.frames, framesEnd: model, model };
}

function fits(what: string, bytes: Uint8Array, address: number, end: number): void {
  if (address + bytes.length <= end) return;
  throw new BoardError(`${what} has ${bytes.length} bytes, the image has ${end - address} for it`);
}

/** Frames that an image for `target` has room for. */
export function framesInImage(target: BootTarget, frameSize: number): number {
  const { frames, framesEnd } = placesOf(parseElf(target.elf()));
  return Math.floor((framesEnd - frames - RUNNER.FRAMES_HEADER_BYTES) / (2 * frameSize));
}

/** A copy of the vector table where the boot loader looks for it, if that is not where the code lies. */
function vectorsFor(target: BootTarget, code: readonly FlashPiece[]): FlashPiece[] {
  const own = code[0];
  if (own === undefined || own.address === target.vectors) return [];
  return [{ address: target.vectors, bytes: own.bytes.slice(0, VECTORS_BYTES) }];
}

function setPin(target: BootTarget, elf: ElfFile, code: readonly FlashPiece[], pin: number): void {
  const word = elf.symbols.find(({ name }) => name === "boot_loader_uart_pin");
  if (!target.choosesPin || word === undefined) {
    throw new BoardError(`an image for ${target.name} prints on P0.06: its pin cannot be chosen`);
  }
  if (!Number.isInteger(pin) || pin < 0 || pin >= PINS) throw new BoardError(`pin ${pin} is outside 0..${PINS - 1}`);
  for (const { address, bytes } of code) {
    const at = word.address - address;
    if (at >= 0 && at + 4 <= bytes.length) new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, pin, true);
  }
}
