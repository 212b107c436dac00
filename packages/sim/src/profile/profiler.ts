import type { BuiltinBoard } from "../board/builtin.js";

/** What one function cost. Self excludes callees. */
export interface FunctionCost {
  name: string;
  calls: number;
  selfCycles: number;
  selfInstructions: number;
  totalCycles: number;
  totalInstructions: number;
}

interface Node {
  name: string;
  parent: Node | undefined;
  children: Map<string, Node>;
  calls: number;
  selfCycles: number;
  selfInstructions: number;
}

interface Frame {
  node: Node;
  /** Even address the call returns to; -1 for the root. */
  returnsTo: number;
}

const CALL = 0;
const RETURN = 1;

function newNode(name: string, parent: Node | undefined): Node {
  return { name, parent, children: new Map(), calls: 0, selfCycles: 0, selfInstructions: 0 };
}

/**
 * Cycle profile by call path. Translated code reports calls, returns and jumps between functions only, so profiling
 * costs little. Exceptions appear as jumps into their handlers.
 */
export class Profiler {
  private readonly root = newNode("(all)", undefined);
  private stack: Frame[] = [{ node: this.root, returnsTo: -1 }];
  private lastCycles: number;
  private lastInstructions: number;

  constructor(private readonly board: BuiltinBoard) {
    const { core, symbols } = board;
    this.lastCycles = core.cycles;
    this.lastInstructions = core.instructions;
    core.observe({
      ...core.translator.settings.observers,
      functionOf: (address) => symbols.indexOf(address),
      profile: (kind, target, from, cycles, instructions) => this.jump(kind, target, from, cycles, instructions),
    });
    this.enter(this.nameOf(core.pc), -1);
  }

  private nameOf(address: number): string {
    const { symbols } = this.board;
    return symbols.at(symbols.indexOf(address))?.name ?? `0x${(address >>> 0).toString(16)}`;
  }

  private get top(): Frame {
    return this.stack[this.stack.length - 1];
  }

  private enter(name: string, returnsTo: number): void {
    const parent = this.top.node;
    let node = parent.children.get(name);
    if (node === undefined) {
      node = newNode(name, parent);
      parent.children.set(name, node);
    }
    node.calls++;
    this.stack.push({ node, returnsTo });
  }

  private charge(cycles: number, instructions: number): void {
    this.top.node.selfCycles += cycles - this.lastCycles;
    this.top.node.selfInstructions += instructions - this.lastInstructions;
    this.lastCycles = cycles;
    this.lastInstructions = instructions;
  }

  private jump(kind: number, target: number, from: number, cycles: number, instructions: number): void {
    const totals = this.board.core.totalsAt(cycles, instructions);
    this.charge(totals.cycles, totals.instructions);
    if (kind === CALL) {
      this.enter(this.nameOf(target), from);
      return;
    }
    const depth = this.stack.findLastIndex((frame) => frame.returnsTo === target);
    if (depth > 0) {
      this.stack.length = depth;
      return;
    }
    if (kind === RETURN && this.stack.length <= 2) return;
    const name = this.nameOf(target);
    if (name === this.top.node.name) return;
    // A tail call, or a jump into a handler: the new function takes over the frame.
    const { returnsTo } = this.top;
    if (this.stack.length > 1) this.stack.pop();
    this.enter(name, returnsTo);
  }

  /** Charges what ran since the last jump; call before reading the results. */
  stop(): void {
    const { core } = this.board;
    this.charge(core.cycles, core.instructions);
    core.observe({ ...core.translator.settings.observers, profile: undefined });
  }

  /** Cost per function, dearest first. Recursive calls count once in the totals. */
  functions(): FunctionCost[] {
    const costs = new Map<string, FunctionCost>();
    const visit = (node: Node, open: ReadonlySet<string>): { cycles: number; instructions: number } => {
      let cycles = node.selfCycles;
      let instructions = node.selfInstructions;
      const inner = new Set(open).add(node.name);
      for (const child of node.children.values()) {
        const sum = visit(child, inner);
        cycles += sum.cycles;
        instructions += sum.instructions;
      }
      const cost = costs.get(node.name) ?? {
        name: node.name,
        calls: 0,
        selfCycles: 0,
        selfInstructions: 0,
        totalCycles: 0,
        totalInstructions: 0,
      };
      cost.calls += node.calls;
      cost.selfCycles += node.selfCycles;
      cost.selfInstructions += node.selfInstructions;
      if (!open.has(node.name)) {
        cost.totalCycles += cycles;
        cost.totalInstructions += instructions;
      }
      costs.set(node.name, cost);
      return { cycles, instructions };
    };
    for (const child of this.root.children.values()) visit(child, new Set());
    return [...costs.values()].sort((a, b) => b.selfCycles - a.selfCycles);
  }

  /** Call paths with self cycles, as plain data for the writers. */
  paths(): { path: string[]; cycles: number; instructions: number }[] {
    const result: { path: string[]; cycles: number; instructions: number }[] = [];
    const visit = (node: Node, path: string[]) => {
      if (node.selfCycles > 0) result.push({ path, cycles: node.selfCycles, instructions: node.selfInstructions });
      for (const child of node.children.values()) visit(child, [...path, child.name]);
    };
    for (const child of this.root.children.values()) visit(child, [child.name]);
    return result;
  }
}
