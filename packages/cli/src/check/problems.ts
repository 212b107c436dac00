import { grouped } from "../text/numbers.js";
import type { EngineCheck, MemoryCheck } from "./report.js";

/** RAM that a program needs for one stream: arena, the library's variables, stack. */
export const ramUsed = ({ arenaBytes, variableBytes, stackBytes }: MemoryCheck): number =>
  arenaBytes + variableBytes + (stackBytes ?? 0);

export const flashUsed = ({ libraryFlashBytes, modelFlashBytes }: MemoryCheck): number =>
  libraryFlashBytes + modelFlashBytes;

/** What is beyond its budget, a line each; how deep the stack would go is not known where it ran into its limit. */
export function overBudget(engines: readonly EngineCheck[], memory: MemoryCheck): string[] {
  const { ramBudgetBytes, flashBudgetBytes } = memory;
  const ram = over("RAM", ramUsed(memory), ramBudgetBytes);
  const stack = ramBudgetBytes !== null && engines.some(({ fault }) => fault?.includes("stack-limit"));
  if (stack && ram.length === 0) {
    ram.push(`RAM: ${grouped(ramUsed(memory))} bytes and the stack needed, the budget is ${grouped(ramBudgetBytes)}`);
  }
  return [...ram, ...over("flash", flashUsed(memory), flashBudgetBytes)];
}

/** Everything that makes a check fail, a line each; a budget first, since faults may follow from it. */
export function problemsOf(engines: readonly EngineCheck[], memory: MemoryCheck): string[] {
  const problems = overBudget(engines, memory);
  for (const { engine, absent, fault, wrongSteps, steps, stateEqual, difference } of engines) {
    if (absent !== null) continue;
    if (fault !== null) problems.push(`${engine}: ${fault.split("\n")[0]}`);
    if (wrongSteps > 0) problems.push(`${engine}: outputs of ${wrongSteps} of ${steps} steps differ`);
    if (stateEqual === false && fault === null) problems.push(`${engine}: the state at the end differs`);
    if (difference !== null && difference !== 0) {
      problems.push(`${engine}: ${grouped(Math.abs(difference))} instructions ${difference > 0 ? "more" : "fewer"}`);
    }
  }
  if (engines.every(({ absent }) => absent !== null)) {
    problems.push(engines.map(({ engine, absent }) => `${engine} is ${absent}`).join("; ") || "no engine ran");
  }
  return problems;
}

function over(what: string, used: number, budget: number | null): string[] {
  if (budget === null || used <= budget) return [];
  return [`${what}: ${grouped(used)} bytes needed, the budget is ${grouped(budget)}`];
}
