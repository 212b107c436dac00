import { calls, renumber } from "./instructions.js";
import { EXPORT_KIND, type WasmFunction, type WasmModule } from "./module.js";

const UNREACHABLE_BODY = Uint8Array.of(0, 0x00, 0x0b);

/** Indices of the functions that can be reached from `roots`. */
function reachable(module: WasmModule, importedFunctions: number, roots: readonly number[]): Set<number> {
  const found = new Set<number>();
  const pending = [...roots];
  for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
    if (found.has(index)) continue;
    found.add(index);
    if (index >= importedFunctions) pending.push(...calls(module.functions[index - importedFunctions].body));
  }
  return found;
}

/**
 * Removes what `exports` does not need: functions named in `stubbed` lose their body (they trap if they are ever called), then
 * functions out of reach, their types, and immutable globals that nothing reads go.
 */
export function shake(
  module: WasmModule,
  keptExports: (name: string) => boolean,
  stubbed: ReadonlySet<string>,
): WasmModule {
  const imported = module.imports.filter(({ kind }) => kind === EXPORT_KIND.FUNCTION).length;
  const functions: WasmFunction[] = [...module.functions];
  for (const { name, kind, index } of module.exports) {
    if (kind === EXPORT_KIND.FUNCTION && stubbed.has(name)) {
      functions[index - imported] = { type: functions[index - imported].type, body: UNREACHABLE_BODY };
    }
  }
  const exports = module.exports.filter(({ name }) => keptExports(name));
  const roots = exports.filter(({ kind }) => kind === EXPORT_KIND.FUNCTION).map(({ index }) => index);
  if (module.start !== undefined) roots.push(module.start);
  const kept = [...reachable({ ...module, functions }, imported, roots)]
    .filter((index) => index >= imported)
    .sort((a, b) => a - b);
  const newIndex = new Map(kept.map((index, position) => [index, imported + position]));
  const usedTypes = [...new Set(kept.map((index) => functions[index - imported].type))].sort((a, b) => a - b);
  const importsUseTypes = imported > 0;
  const typeIndex = (type: number): number => (importsUseTypes ? type : usedTypes.indexOf(type));
  const relocate = (index: number): number => newIndex.get(index) ?? index;
  return {
    ...module,
    ...(module.start === undefined ? {} : { start: relocate(module.start) }),
    types: importsUseTypes ? module.types : usedTypes.map((type) => module.types[type]),
    functions: kept.map((index) => ({
      type: typeIndex(functions[index - imported].type),
      body: renumber(functions[index - imported].body, relocate, (global) => global),
    })),
    exports: exports.map((entry) =>
      entry.kind === EXPORT_KIND.FUNCTION ? { ...entry, index: relocate(entry.index) } : entry,
    ),
  };
}
