export { Core, type CoreOptions, type RunLimits, type Stop, type StopReason } from "./cpu/core.js";
export { CORTEX_M4_TIMING, NRF52840_MEMORY_TIMING } from "./cycles/parameters.js";
