import { readModel } from "@gatelet/converter/format";
import { NRF52840, predictCycles } from "@gatelet/sim";

/** Milliseconds a step takes on the nRF52840 at 0 wait states, from the file alone; undefined where it is not predicted. */
export function predictStep(gate: Uint8Array): number | undefined {
  const { total, steps } = predictCycles(readModel(gate), { waitStates: 0 });
  return total.cycles === null ? undefined : (1000 * total.cycles) / steps / NRF52840.clockHz;
}
