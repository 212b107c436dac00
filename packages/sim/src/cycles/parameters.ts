/** How sure a figure is: measured on silicon by someone, stated in a manual, or assumed here. */
export type Confidence = "measured" | "documented" | "assumed";

/** One figure of the cycle model. */
export interface Parameter {
  readonly value: number;
  readonly unit: string;
  readonly source: string;
  readonly confidence: Confidence;
}

const TRM = "Cortex-M4 r0p1 TRM (100166), table 3-1";
const TRM_FP = "Cortex-M4 r0p1 TRM (100166), table 7-1";
const PAIRING = "Arm DDI 0337I p. 3-9, TI SWCU185G";
const SILICON = "compendium.i-0.nl, DWT on a Cortex-M4";

function parameter(value: number, unit: string, confidence: Confidence, source: string): Parameter {
  return { value, unit, source, confidence };
}

/** Timing of the core itself, zero-wait-state memory. */
export const CORTEX_M4_TIMING = {
  dataProcessing: parameter(1, "cycles", "documented", TRM),
  multiply: parameter(1, "cycles", "documented", TRM),
  divideMinimum: parameter(2, "cycles", "documented", TRM),
  divideMaximum: parameter(12, "cycles", "documented", TRM),
  divideStart: parameter(4, "cycles before quotient bits", "assumed", "the manual gives the range 2 to 12 only"),
  divideBitsPerCycle: parameter(4, "quotient bits", "assumed", "32 quotient bits in 8 cycles reach the maximum of 12"),
  loadSingle: parameter(2, "cycles", "documented", TRM),
  storeImmediate: parameter(1, "cycles", "documented", PAIRING),
  storeRegister: parameter(2, "cycles", "documented", PAIRING),
  pipelinedSaving: parameter(1, "cycles behind an independent load", "documented", PAIRING),
  baseUpdateLoadPipelines: parameter(
    1,
    "1 yes, 0 no",
    "assumed",
    "the M3 manual says a load with base update is not normally pipelined, the M4 text dropped that sentence; 1 fits Embench's edn on an STM32F407 within 1.1 %, 0 is 7.6 % off (docs/BOARD.md)",
  ),
  multipleBase: parameter(1, "cycles + one per register", "documented", TRM),
  addressStall: parameter(1, "cycles behind the data processing that made the address", "documented", PAIRING),
  literalLoadExtra: parameter(
    0,
    "cycles",
    "assumed",
    "LDR Rx,[PC,#imm] may add 0 or 1; Embench's crc32 on an STM32F407 fits 0",
  ),
  unalignedAccess: parameter(1, "cycles per extra transfer of an unaligned access", "assumed", "bus splits the access"),
  branchNotTaken: parameter(1, "cycles", "measured", SILICON),
  branchRefill: parameter(1, "cycles on top of 1", "measured", `${SILICON}: taken branch 2`),
  branchToUnalignedWide: parameter(1, "cycles", "measured", `${SILICON}: 3 to an unaligned wide target`),
  registerBranchRefill: parameter(2, "cycles on top of 1", "assumed", `${TRM}: P is 1 to 3; BX, BLX, MOV PC`),
  loadBranchRefill: parameter(3, "cycles", "documented", `${PAIRING}: LDR PC takes 5 in all`),
  tableBranchRefill: parameter(4, "cycles on top of 2", "documented", `${PAIRING}: TBB, TBH take 6 in all`),
  ifThen: parameter(1, "cycles", "documented", TRM),
  ifThenFolded: parameter(0, "cycles behind a 16-bit instruction", "documented", TRM),
  skipped: parameter(1, "cycles of an instruction whose condition fails", "documented", TRM),
  wideRunLength: parameter(3, "unaligned wide instructions in a row", "measured", SILICON),
  wideRunLengthStores: parameter(4, "unaligned wide stores in a row", "measured", SILICON),
  wideRunPenalty: parameter(1, "cycles once per run", "measured", SILICON),
  barrier: parameter(1, "cycles", "assumed", `${TRM}: DSB, DMB 1 + B`),
  instructionBarrierRefill: parameter(2, "cycles on top of 1", "assumed", "ISB refills the pipeline"),
  wait: parameter(1, "cycles before sleeping", "documented", TRM),
  system: parameter(2, "cycles", "documented", `${TRM}: MRS, MSR, CPS 1 to 2`),
  exceptionEntry: parameter(12, "cycles", "documented", "Cortex-M4 TRM 3.9"),
  exceptionExit: parameter(10, "cycles", "documented", "Cortex-M4 TRM 3.9"),
  tailChain: parameter(6, "cycles", "documented", "Cortex-M4 TRM 3.9"),
  fpArithmetic: parameter(1, "cycles", "documented", TRM_FP),
  fpMultiplyAccumulate: parameter(3, "cycles", "documented", TRM_FP),
  fpDivide: parameter(14, "cycles", "documented", TRM_FP),
  fpSquareRoot: parameter(14, "cycles", "documented", TRM_FP),
  fpResultStall: parameter(1, "cycles when the next FP instruction uses the result", "documented", TRM_FP),
  fpMoveTwo: parameter(2, "cycles", "documented", TRM_FP),
} as const satisfies Record<string, Parameter>;

export type CoreTiming = { readonly [Name in keyof typeof CORTEX_M4_TIMING]: Parameter };

/** Timing of the memories of one chip. */
export const NRF52840_MEMORY_TIMING = {
  waitStatesCacheOff: parameter(2, "cycles per flash access", "assumed", "nRF52840 product specification, recalled"),
  waitStatesCacheOn: parameter(
    3,
    "cycles per missed line or data read",
    "assumed",
    "nRF52840 product specification, recalled",
  ),
  fetchBytes: parameter(
    4,
    "bytes per instruction fetch without cache",
    "documented",
    "Cortex-M4 fetches words on ICODE",
  ),
  cacheBytes: parameter(2048, "bytes", "assumed", "size not published for the nRF52840"),
  cacheLineBytes: parameter(16, "bytes", "assumed", "not published"),
  cacheWays: parameter(2, "ways", "assumed", "not published"),
  ramFetchPenalty: parameter(
    1,
    "cycles per fetched word of code at 0x20000000",
    "documented",
    "system bus fetches are registered",
  ),
  aliasFetchPenalty: parameter(0, "cycles per fetched word of code at 0x00800000", "assumed", "code RAM region"),
  peripheralAccess: parameter(0, "cycles on top of a load or store", "assumed", "APB latency unknown"),
} as const satisfies Record<string, Parameter>;

export type MemoryTiming = { readonly [Name in keyof typeof NRF52840_MEMORY_TIMING]: Parameter };
