import {
  CORTEX_M4_TIMING,
  type CoreTiming,
  type MemoryTiming,
  NRF52840_MEMORY_TIMING,
  type Parameter,
} from "../cycles/parameters.js";

/** Everything the simulator knows of one board, each figure with its source. */
export interface BoardProfile {
  name: string;
  clockHz: number;
  flash: { base: number; bytes: number; pageBytes: number };
  ram: { base: number; bytes: number; alias: number };
  timing: CoreTiming;
  memoryTiming: MemoryTiming;
  /** Supply current and voltage while computing, for energy estimates. */
  currentPerMegahertz: Parameter;
  supplyVolts: Parameter;
}

export const NRF52840: BoardProfile = {
  name: "nrf52840",
  clockHz: 64_000_000,
  flash: { base: 0, bytes: 1 << 20, pageBytes: 4096 },
  ram: { base: 0x20000000, bytes: 256 << 10, alias: 0x00800000 },
  timing: CORTEX_M4_TIMING,
  memoryTiming: NRF52840_MEMORY_TIMING,
  currentPerMegahertz: {
    value: 52,
    unit: "uA/MHz",
    confidence: "documented",
    source: "nRF52840 product specification: 3.3 mA at 64 MHz, CoreMark from flash, cache on, DC/DC, 3 V",
  },
  supplyVolts: { value: 3, unit: "V", confidence: "documented", source: "the same line of the specification" },
};

/** Energy of `cycles` of computing in microjoules, from the specification's supply current. An estimate. */
export function energyMicrojoules(profile: BoardProfile, cycles: number): number {
  const amperesPerHertz = (profile.currentPerMegahertz.value * 1e-6) / 1e6;
  return amperesPerHertz * profile.supplyVolts.value * cycles * 1e6;
}
