import { grouped } from "../text/numbers.js";
import type { EngineCheck, MemoryCheck } from "./report.js";

/** RAM that a program needs for one stream: arena, the library's variables, stack. */
export const ramUsed = ({ arenaBytes, variableBytes, stackBytes }: MemoryCheck): number =>
  arenaBytes + variableBytes + (stackBytes ?? 0);

export const flashUsed = ({ libraryFlashBytes, modelFlashBytes }: MemoryCheck): number =>
  libraryFlashBytes + modelFlashBytes;

/** Everything that makes a check fail, a line each. */
export function problemsOf(engines: readonly EngineCheck[], memory: MemoryCheck): string[] {
  const problems: string[] = [];
  for (const { engine, absent, fault, wrongSteps, steps, stateEqual, difference } of engines) {
    if (absent !== null) continue;
    if (fault !== null) problems.push(`${engine}: ${fault.split("\n")[0]}`);
    if (wrongSteps > 0) problems.push(`${engine}: outputs of ${wrongSteps} of ${steps} steps differ`);
    if (stateEqual === false && fault === null) problems.push(`${engine}: the state at the end differs`);
    if (difference !== null && difference !== 0) {
      problems.push(`${engine}: ${grouped(Math.abs(difference))} instructions ${difference > 0 ? "more" : "fewer"}`);
    }
  }
  if (engines.every(({ absent }) => absent !== null)) problems.push("no engine ran");
  over(problems, "RAM", ramUsed(memory), memory.ramBudgetBytes);
  over(problems, "flash", flashUsed(memory), memory.flashBudgetBytes);
  return problems;
}

function over(problems: string[], what: string, used: number, budget: number | null): void {
  if (budget === null || used <= budget) return;
  problems.push(`${what}: ${grouped(used)} bytes needed, the budget is ${grouped(budget)}`);
}
