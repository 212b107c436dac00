import { crc32, FLAG, type GateModel, HEADER, pad16 } from "@gatelet/converter/format";
import { BuiltinBoard } from "../board/builtin.js";
import { runnerElf } from "../runner/elf-file.js";
import { framesImage } from "../runner/image.js";
import { LayerCounter } from "../runner/layer-counter.js";
import { RUNNER } from "../runner/map.gen.js";

/** A value that the frames of a walk never have, and rows of layers hardly ever: as a mask code it matches nothing. */
const UNMATCHED = 0x3039;
/** Value of every channel and token of a walk's frames; a vocabulary of one has token 0 only. */
const FRAME_VALUE = 1;
/** More than the chip has, so that long windows and large arenas can be walked, too. The RAM alias begins behind flash. */
const FLASH_BYTES = 8 << 20;
const RAM_BYTES = 8 << 20;
/** What the runner keeps in RAM beside the arena: variables, stack, some room for the log. */
const RUNNER_RAM_BYTES = 64 << 10;
/** Windows, and frames of a stream, that are walked; more of them repeat the last one, the last few. */
const WALKED_WINDOWS = 2;
const WALKED_FRAMES = 128;
const REPEATED_FRAMES = 64;
const MOST_INSTRUCTIONS = 20e9;

/** Misses of the instruction cache over some steps. */
export interface CacheMisses {
  /** Of each record. */
  readonly layers: readonly number[];
  /** Of what lies between the records. */
  readonly executor: number;
}

/**
 * Walks the runner's code along the path that it takes for a model, for the sake of the lines that it touches: the path
 * depends on the records alone, so frames are one constant value and no data are looked at. One walker serves many
 * models and keeps the code that it has translated.
 */
export class CodeWalker {
  private readonly board = new BuiltinBoard({ waitStates: 3, flashBytes: FLASH_BYTES, ramBytes: RAM_BYTES });

  constructor(elf: Uint8Array = runnerElf()) {
    this.board.loadNow(elf);
    const { core } = this.board;
    // The cache is part of the translated code: it stays on, and is empty when the firmware switches it on.
    core.setCache(true);
    core.setCache = () => core.fetch.clear();
  }

  /** Undefined where the runner refuses the model or the board is too small for it. Cost: at most 2 windows, 128 frames. */
  misses(model: GateModel, steps: number): CacheMisses | undefined {
    const { window, frameSize, arenaBytes } = model.header;
    const { walked, from, to, times } = planWalk(window, steps);
    // Always told, as `gatelet check` does: not being told is another path through the runner.
    const ramBytes = Math.max(RUNNER.RAM_BYTES, pad16(arenaBytes) + RUNNER_RAM_BYTES);
    const framesFit = RUNNER.FRAMES_ADDRESS + RUNNER.FRAMES_HEADER_BYTES + 2 * frameSize * walked <= FLASH_BYTES;
    if (model.bytes.length > RUNNER.MODEL_BYTES || !framesFit || ramBytes > RAM_BYTES) return undefined;
    const frames = new Int16Array(frameSize * walked).fill(model.header.vocabularySize === 1 ? 0 : FRAME_VALUE);
    const { core } = this.board;
    const { memory } = core;
    memory.poke(RUNNER.MODEL_ADDRESS, withoutMatches(model));
    memory.poke(RUNNER.FRAMES_ADDRESS, framesImage(frames, frameSize, { quiet: true, ramBytes }, FLASH_BYTES));
    core.reset(RUNNER.FLASH_BASE);
    const counter = new LayerCounter(this.board);
    const marks: number[][] = [];
    counter.onStep = (step) => {
      if (step === from || step === to) marks.push(missesOf(counter, model));
    };
    counter.run(MOST_INSTRUCTIONS, Number.POSITIVE_INFINITY);
    const finished = memory.peek(this.board.symbol("g_result") + RUNNER.RESULT_STATUS_AT, 8);
    if (finished[4] !== 1 || finished.subarray(0, 4).some((byte) => byte !== 0)) return undefined;
    const [early, late] = marks;
    const sums = missesOf(counter, model).map((count, i) => count + times * ((late?.[i] ?? 0) - (early?.[i] ?? 0)));
    return { layers: sums.slice(0, -1), executor: sums[sums.length - 1] };
  }
}

/** What is walked of `steps` steps: so many, of which those behind `from` up to `to` stand for `times` more of their kind. */
function planWalk(window: number, steps: number): { walked: number; from: number; to: number; times: number } {
  const whole = window > 0 ? WALKED_WINDOWS * window : WALKED_FRAMES;
  const repeated = window > 0 ? window : REPEATED_FRAMES;
  const times = Math.max(0, Math.floor((steps - whole) / repeated));
  return { walked: steps - times * repeated, from: whole - repeated, to: whole, times };
}

/** Of each record so far, then of what lies between them. */
function missesOf({ counts }: LayerCounter, { records }: GateModel): number[] {
  const own = records.map((_, i) => counts.layers[i]?.misses ?? 0);
  return [...own, own.reduce((left, misses) => left - misses, counts.total.misses)];
}

/** The file with mask codes that match no row: masked rows take other paths, and a prediction takes rows to be unmasked. */
function withoutMatches(model: GateModel): Uint8Array {
  const bytes = model.bytes.slice();
  const view = new DataView(bytes.buffer);
  for (const { kernel, fields } of model.records) {
    const atInput = kernel === "INPUT" && (fields.flags & FLAG.MASK_SET) !== 0;
    if (!atInput && kernel !== "MASK") continue;
    const at = fields.aux + (atInput ? 16 * fields.outputSize : 0);
    for (let i = 0; i < fields.outputSize; i++) view.setInt16(at + 2 * i, UNMATCHED, true);
  }
  view.setUint32(HEADER.crc32[0], crc32(bytes, HEADER.requiredKernels[0]), true);
  return bytes;
}

let shared: CodeWalker | undefined;

/** As `CodeWalker.misses`, by a walker over the runner firmware of this package that is made at the first call. */
export function walkMisses(model: GateModel, steps: number): CacheMisses | undefined {
  shared ??= new CodeWalker();
  return shared.misses(model, steps);
}
