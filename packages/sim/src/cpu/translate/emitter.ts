import { ALWAYS, ASR, type Insn, LSR, ROR, RRX } from "../insn.js";
import { CYCLES, INSTRUCTIONS, LOWEST_SP } from "../state.js";

/** Where in the instruction stream a slow path was entered. Grows for the life of an engine. */
export interface SiteTable {
  pc: number[];
  /** Instructions and static cycles of the block before this one. */
  instructions: number[];
  cycles: number[];
  insn: (Insn | undefined)[];
}

export interface MemoryShape {
  flashBase: number;
  flashBytes: number;
  ramBase: number;
  ramBytes: number;
}

export interface EmitOptions {
  memory: MemoryShape;
  /** Extra cycles of each data access to flash. */
  flashDataWaitStates: number;
  /** Stores check whether they hit translated code in RAM. */
  checkCodeWrites: boolean;
}

/** Names of the runtime helpers visible to generated code; see runtime.ts. */
export type Access = 1 | 2 | 4;

/**
 * Collects the JavaScript of one region. Registers are the locals r0..r14; flags n, z, c, v (see state.ts); q collects
 * saturation in its sign bit; cyc and ins count.
 */
export class Emitter {
  readonly lines: string[] = [];
  readonly used = new Set<string>();
  readonly written = new Set<string>();
  /** Static instruction and cycle counts of the current block so far. */
  blockInstructions = 0;
  blockCycles = 0;
  /** Flags the current instruction must materialise and whether its operands are kept for a fused condition. */
  live = 15;
  keep = false;

  constructor(
    readonly options: EmitOptions,
    readonly sites: SiteTable,
  ) {}

  push(line: string): void {
    this.lines.push(line);
  }

  /** Allocates a site for `insn` at the current counts. */
  site(insn: Insn): number {
    const { sites } = this;
    sites.pc.push(insn.addr);
    sites.instructions.push(this.blockInstructions);
    sites.cycles.push(this.blockCycles);
    sites.insn.push(insn);
    return sites.pc.length - 1;
  }

  /** Expression that reads register `index` at `insn`; the program counter reads as address + 4. */
  reg(insn: Insn, index: number): string {
    if (index === 15) return `${(insn.addr + 4) | 0}`;
    return this.local(`r${index}`);
  }

  local(name: string): string {
    this.used.add(name);
    return name;
  }

  target(name: string): string {
    this.used.add(name);
    this.written.add(name);
    return name;
  }

  /** Assigns `expression` (already an int32) to a register. */
  setReg(insn: Insn, index: number, expression: string): void {
    if (index === 13) {
      this.push(`${this.target("r13")}=(${expression})&-4;`);
      this.push(`if(r13<S[${LOWEST_SP}])LOWSP(r13,${this.site(insn)},cyc,ins);`);
    } else this.push(`${this.target(`r${index}`)}=${expression};`);
  }

  flag(name: "n" | "z" | "c" | "v"): string {
    return this.target(name);
  }

  readFlag(name: "n" | "z" | "c" | "v"): string {
    return this.local(name);
  }

  setNz(expression: string): void {
    if ((this.live & 1) !== 0) this.push(`${this.flag("n")}=${expression};`);
    if ((this.live & 2) !== 0) this.push(`${this.flag("z")}=${expression};`);
  }

  /** Value of the second operand without carry-out: immediate or shifted register. */
  operand(insn: Insn): string {
    if (insn.m < 0) return `${insn.imm | 0}`;
    return this.shifted(insn, this.reg(insn, insn.m));
  }

  shifted(insn: Insn, value: string): string {
    const { sh, shn } = insn;
    if (sh === RRX) return `(${this.readFlag("c")}<<31|${value}>>>1)`;
    if (shn === 0) return value;
    if (sh === LSR) return shn === 32 ? "0" : `(${value}>>>${shn}|0)`;
    if (sh === ASR) return `(${value}>>${Math.min(shn, 31)})`;
    if (sh === ROR) return `(${value}>>>${shn}|${value}<<${32 - shn})`;
    return `(${value}<<${shn})`;
  }

  /** Expression (0 or 1) of the shifter's carry-out; call only when shifterSetsCarry(insn). */
  shifterCarry(insn: Insn): string {
    if (insn.m < 0) return `${insn.carry}`;
    const value = this.reg(insn, insn.m);
    const { sh, shn } = insn;
    if (sh === RRX) return `${value}&1`;
    if (sh === LSR || sh === ASR || sh === ROR) return `${value}>>>${shn - 1}&1`;
    return `${value}>>>${32 - shn}&1`;
  }

  /** Test of a condition on the flag variables, or on kept operands when `fused`. */
  condition(cond: number, fused: boolean): string {
    if (cond === ALWAYS) return "true";
    if (fused) {
      const fusedTests: Record<number, string> = {
        2: "(fa>>>0)>=(fb>>>0)",
        3: "(fa>>>0)<(fb>>>0)",
        8: "(fa>>>0)>(fb>>>0)",
        9: "(fa>>>0)<=(fb>>>0)",
        10: "fa>=fb",
        11: "fa<fb",
        12: "fa>fb",
        13: "fa<=fb",
      };
      return fusedTests[cond];
    }
    const f = (name: "n" | "z" | "c" | "v") => this.readFlag(name);
    switch (cond >>> 1) {
      case 0:
        return `${f("z")}${cond & 1 ? "!==" : "==="}0`;
      case 1:
        return `${f("c")}${cond & 1 ? "===" : "!=="}0`;
      case 2:
        return `${f("n")}${cond & 1 ? ">=" : "<"}0`;
      case 3:
        return `${f("v")}${cond & 1 ? ">=" : "<"}0`;
      case 4:
        return cond & 1 ? `(${f("c")}===0||${f("z")}===0)` : `(${f("c")}!==0&&${f("z")}!==0)`;
      case 5:
        return `(${f("n")}^${f("v")})${cond & 1 ? "<" : ">="}0`;
      default:
        return cond & 1 ? `(${f("z")}===0||(${f("n")}^${f("v")})<0)` : `(${f("z")}!==0&&(${f("n")}^${f("v")})>=0)`;
    }
  }

  /**
   * Statement list that loads `bytes` from the address in local `t` into `into` (zero-extended). RAM and flash are inline.
   */
  loadFrom(insn: Insn, bytes: Access, into: string): void {
    const { memory, flashDataWaitStates } = this.options;
    const array = bytes === 4 ? "32" : bytes === 2 ? "16" : "8";
    const shift = bytes === 4 ? "u>>2" : bytes === 2 ? "u>>1" : "u";
    const ramTest = `((u=t-${memory.ramBase}|0)>>>0)<=${memory.ramBytes - bytes}`;
    const flashTest = `((u=t-${memory.flashBase}|0)>>>0)<=${memory.flashBytes - bytes}`;
    const align = bytes === 1 ? "" : `&&(u&${bytes - 1})===0`;
    const wait = flashDataWaitStates === 0 ? "" : `cyc+=${flashDataWaitStates};`;
    this.push(
      `if(${ramTest}${align})${into}=m${array}[${shift}];` +
        `else if(${flashTest}${align}){${wait}${into}=f${array}[${shift}];}` +
        `else ${into}=L${bytes}(t,${this.site(insn)},cyc,ins);`,
    );
  }

  /** Statement that stores the low `bytes` of `value` to the address in local `t`. */
  storeTo(insn: Insn, bytes: Access, value: string): void {
    const { memory, checkCodeWrites } = this.options;
    const array = bytes === 4 ? "32" : bytes === 2 ? "16" : "8";
    const shift = bytes === 4 ? "u>>2" : bytes === 2 ? "u>>1" : "u";
    const align = bytes === 1 ? "" : `&&(u&${bytes - 1})===0`;
    const code = checkCodeWrites ? "&&codeLines[u>>6]===0" : "";
    this.push(
      `if(((u=t-${memory.ramBase}|0)>>>0)<=${memory.ramBytes - bytes}${align}${code})m${array}[${shift}]=${value};` +
        `else S${bytes}(t,${value},${this.site(insn)},cyc,ins);`,
    );
  }

  /** Parameter list of a driver call: site, cycles and instructions so far. */
  at(insn: Insn): string {
    return `${this.site(insn)},cyc,ins`;
  }

  /** Statements that copy locals to the register file. */
  spill(): string {
    const parts: string[] = [];
    for (const name of this.written) parts.push(`S[${localIndex(name)}]=${name};`);
    parts.push(`S[20]|=q>>>31;S[${CYCLES}]=cyc;S[${INSTRUCTIONS}]=ins;`);
    return parts.join("");
  }

  /** Declarations that load locals from the register file. */
  declare(): string {
    const parts = ["let t=0,u=0,w=0,x=0,y=0,fa=0,fb=0,pc=0,q=0", `cyc=S[${CYCLES}]`, `ins=S[${INSTRUCTIONS}]`];
    for (const name of this.used) parts.push(`${name}=S[${localIndex(name)}]`);
    return `${parts.join(",")};`;
  }

  /** Adds cycles that a conditional or data-dependent path takes beside the static count. */
  addCycles(count: number | string): void {
    if (count !== 0) this.push(`cyc+=${count};`);
  }
}

function localIndex(name: string): number {
  if (name === "n") return 16;
  if (name === "z") return 17;
  if (name === "c") return 18;
  if (name === "v") return 19;
  return Number(name.slice(1));
}
