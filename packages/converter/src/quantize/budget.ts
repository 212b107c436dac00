import { BudgetError } from "./errors.js";
import type { Budget, LayerReport } from "./options.js";

interface Memory {
  readonly flashBytes: number;
  readonly arenaBytes: number;
}

/** @throws BudgetError saying by how much the model does not fit and what would help */
export function checkBudget(budget: Budget | undefined, memory: Memory, layers: readonly LayerReport[]): void {
  const { arenaBytes, flashBytes } = budget ?? {};
  if (arenaBytes !== undefined && memory.arenaBytes > arenaBytes) {
    throw new BudgetError(
      `arena needs ${memory.arenaBytes} bytes, budget is ${arenaBytes}: ${arenaHelp(layers)}`,
      "arena",
      memory.arenaBytes,
      arenaBytes,
    );
  }
  if (flashBytes !== undefined && memory.flashBytes > flashBytes) {
    throw new BudgetError(
      `file needs ${memory.flashBytes} bytes, budget is ${flashBytes}: ${flashHelp(memory.flashBytes, flashBytes, layers)}`,
      "flash",
      memory.flashBytes,
      flashBytes,
    );
  }
}

function arenaHelp(layers: readonly LayerReport[]): string {
  const holder = layers.find(({ kernel }) => kernel === "REVERSE" || kernel === "RESHAPE");
  if (holder !== undefined)
    return `${holder.name} (${holder.layerClass}) keeps a whole window: shorten it or drop the layer`;
  const widest = layers.reduce((most, layer) => (layer.cols > most.cols ? layer : most));
  return `the widest layer is ${widest.name} with ${widest.cols} values a row: use fewer units`;
}

function flashHelp(needed: number, budget: number, layers: readonly LayerReport[]): string {
  const saved = layers.reduce((sum, { bits, flashBytes }) => sum + (bits === 8 ? flashBytes / 2 : 0), 0);
  const largest = layers.reduce((most, layer) => (layer.flashBytes > most.flashBytes ? layer : most));
  if (needed - saved <= budget)
    return "use 4-bit weights (bits 4, or mixed), which would take about " + Math.ceil(needed - saved);
  return `4-bit weights would not be enough, the largest layer is ${largest.name} with ${largest.flashBytes}: use fewer units`;
}
