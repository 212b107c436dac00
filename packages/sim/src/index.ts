export { BuiltinBoard, type BuiltinOptions } from "./board/builtin.js";
export { backtrace, type FaultRecord, type Frame, formatFault } from "./board/fault.js";
export { type BoardProfile, energyMicrojoules, NRF52840 } from "./board/profile.js";
export { QemuBoard, type QemuOptions } from "./board/qemu.js";
export { hasRenode, RenodeBoard, type RenodeBoardOptions } from "./board/renode.js";
export {
  type Board,
  BoardError,
  type EngineName,
  type RunReason,
  type RunRequest,
  type RunResult,
  type Until,
} from "./board.js";
export { CpuFault, type FaultKind } from "./cpu/memory.js";
export {
  CORTEX_M4_TIMING,
  type Confidence,
  type CoreTiming,
  type MemoryTiming,
  NRF52840_MEMORY_TIMING,
  type Parameter,
} from "./cycles/parameters.js";
export { disassemble } from "./debug/disassemble.js";
export { GdbServer } from "./debug/gdb.js";
export { traceInstructions } from "./debug/trace.js";
export { ElfError, type ElfFile, type ElfSymbol, parseElf } from "./elf/elf.js";
export { SymbolTable } from "./elf/symbols.js";
export {
  type FloatBaselineActivation,
  FloatBaselineError,
  type FloatBaselineGraph,
  type FloatBaselineNode,
  type FloatBaselineTensor,
} from "./float-baseline/graph.js";
export { type FloatBaselineReport, type FloatBaselineRequest, runFloatBaseline } from "./float-baseline/run.js";
export { BOOT_TARGETS, type BootTarget } from "./image/boot-target.js";
export { type FlashPiece, joinPieces, writeBinary } from "./image/flash-piece.js";
export { readIntelHex, writeIntelHex } from "./image/intel-hex.js";
export { parseRunnerText, type RunnerText } from "./image/runner-text.js";
export {
  framesInImage,
  type SelfTimingImage,
  type SelfTimingRequest,
  selfTimingImage,
} from "./image/self-timing-image.js";
export { NRF52840_FAMILY, readUf2, writeUf2 } from "./image/uf2.js";
export { COSTS_OF } from "./predict/costs.gen.js";
export { firmwareDigest } from "./predict/digest.js";
export { type LayerPrediction, type Prediction, type PredictOptions, predictCycles } from "./predict/predict.js";
export { idleTicks } from "./predict/schedule-counts.js";
export { type FunctionCost, Profiler } from "./profile/profiler.js";
export { toCollapsedStacks, toSpeedscope } from "./profile/writers.js";
export { runnerElf, runnerElfPath } from "./runner/elf-file.js";
export { RunnerError } from "./runner/errors.js";
export { type FramesOptions, framesImage, framesThatFit } from "./runner/image.js";
export { RUNNER } from "./runner/map.gen.js";
export { type Counts, type LayerCounts, type RunnerReport, type RunnerRequest, runOnBoard } from "./runner/run.js";
