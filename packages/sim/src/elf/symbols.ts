import type { ElfSymbol } from "./elf.js";

/** Symbol lookup by name and by address. */
export class SymbolTable {
  private readonly byName = new Map<string, ElfSymbol>();
  private readonly functions: ElfSymbol[];

  constructor(symbols: readonly ElfSymbol[] = []) {
    for (const symbol of symbols) if (!this.byName.has(symbol.name)) this.byName.set(symbol.name, symbol);
    this.functions = symbols.filter((symbol) => symbol.kind === "function").sort((a, b) => a.address - b.address);
  }

  get(name: string): ElfSymbol | undefined {
    return this.byName.get(name);
  }

  /** Index of the function that holds `address`, -1 for none; `at` gives it back. */
  indexOf(address: number): number {
    let low = 0;
    let high = this.functions.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      if (this.functions[middle].address <= address) low = middle + 1;
      else high = middle - 1;
    }
    // Symbols of size 0 (assembly labels) reach up to the next one.
    const candidate = this.functions[high];
    if (candidate === undefined) return -1;
    const next = this.functions[high + 1]?.address ?? candidate.address + 4096;
    const end = candidate.bytes === 0 ? next : candidate.address + candidate.bytes;
    return address < end ? high : -1;
  }

  at(index: number): ElfSymbol | undefined {
    return this.functions[index];
  }

  /** "name+0x12", or the bare address. */
  describe(address: number): string {
    const symbol = this.at(this.indexOf(address));
    if (symbol === undefined) return `0x${(address >>> 0).toString(16).padStart(8, "0")}`;
    const offset = address - symbol.address;
    return offset === 0 ? symbol.name : `${symbol.name}+0x${offset.toString(16)}`;
  }
}
