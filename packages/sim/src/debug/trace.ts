import type { BuiltinBoard } from "../board/builtin.js";
import { disassemble } from "./disassemble.js";

/**
 * Writes a line per instruction (cycle, address, encoding, text) to `write` until the returned function is called.
 * Slows the run down; counts do not change.
 */
export function traceInstructions(board: BuiltinBoard, write: (line: string) => void): () => void {
  const { core } = board;
  const observers = core.translator.settings.observers;
  const trace = (site: number, cycles: number, instructions: number) => {
    const insn = core.translator.sites.insn[site];
    if (insn === undefined) return;
    const at = core.totalsAt(cycles + core.translator.sites.cycles[site], instructions).cycles;
    const address = (insn.addr >>> 0).toString(16).padStart(8, "0");
    const raw = insn.raw
      .toString(16)
      .padStart(insn.size * 2, "0")
      .padEnd(8);
    const where = board.symbols.describe(insn.addr >>> 0);
    write(
      `${String(at).padStart(10)}  ${address}  ${raw}  ${disassemble(insn, (target) => board.symbols.describe(target))}  ; ${where}`,
    );
  };
  core.observe({ ...observers, trace });
  return () => core.observe({ ...core.translator.settings.observers, trace: undefined });
}
