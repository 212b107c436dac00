import { ByteWriter } from "./bytes.js";
import { Code } from "./code.js";
import { addComponentAbi, COMPONENT_FUNCTIONS, REFUSED_PAGES } from "./component-abi.js";
import type { ComponentDescription } from "./component-data.js";
import {
  countFunction,
  directReset,
  directRun,
  directTick,
  type FunctionIndex,
  interpretedReset,
  interpretedRun,
} from "./direct.js";
import type { LinkFacts } from "./facts.js";
import { type Layout, layOut } from "./layout.js";
import { EXPORT_KIND, encodeModule, I32, parseModule, type WasmData, type WasmModule } from "./module.js";
import {
  directRestore,
  directSave,
  encodeZeroRanges,
  headerFunction,
  interpretedRestore,
  interpretedSave,
  putFunction,
} from "./saved-state.js";
import { shake } from "./shake.js";
import { firstDifference, packTanh, TANH_TABLE_BYTES, unpackTanh } from "./tanh-table.js";

export interface LinkOptions {
  readonly simd: boolean;
  /** Frames that the input buffer holds; `run` takes as many in one call. */
  readonly frames: number;
  /** Exports what a component wants of its core module (component.ts) instead of the module's own functions. */
  readonly component?: ComponentDescription;
}

/** A self-contained module and where things are in its memory. */
export interface LinkedModule {
  readonly bytes: Uint8Array;
  readonly layout: Layout;
  /** Bytes of the module that are not the model's records and tensors. */
  readonly codeBytes: number;
  /** `chain`: the layers' calls are written out; `general`: the engines' executor is in the module. */
  readonly shape: "chain" | "general";
}

/** Names of the functions that each kernel needs and no other part; unneeded ones lose their body. */
const KERNEL_FUNCTIONS: readonly (readonly string[])[] = [
  ["input"],
  ["embedding"],
  ["rnn"],
  ["lstm"],
  ["gru"],
  ["gru"],
  ["dense"],
  ["conv1d", "pushWindowed", "startWindowed"],
  ["depthwiseConv1d", "pushWindowed", "startWindowed"],
  ["pool", "pushWindowed", "startWindowed"],
  ["globalPool", "pushGlobalPool"],
  ["affine"],
  ["activation"],
  ["prelu"],
  ["layerNorm"],
  ["softmax"],
  ["merge"],
  ["enqueue", "dequeue"],
  ["keepReversed", "recallReversed"],
  ["keepValues", "recallValues"],
  ["keepRow"],
  ["mask"],
  ["gru"],
  ["rnn", "fastGrnnUnits"],
];

function unneeded(kernels: number): Set<string> {
  const needed = new Set(KERNEL_FUNCTIONS.flatMap((names, kernel) => ((kernels >>> kernel) & 1 ? names : [])));
  if ((kernels & 1) !== 0) needed.add("affine");
  return new Set(KERNEL_FUNCTIONS.flat().filter((name) => !needed.has(name)));
}

/** A module under construction: the kernels' functions and new ones, by name. */
class Builder {
  private readonly names = new Map<string, number>();

  constructor(readonly module: WasmModule) {
    for (const { name, kind, index } of module.exports) if (kind === EXPORT_KIND.FUNCTION) this.names.set(name, index);
  }

  readonly index: FunctionIndex = (name) => {
    const index = this.names.get(name);
    if (index === undefined) throw new RangeError(`the kernels have no function ${name}`);
    return index;
  };

  /** Adds a function of i32 parameters. */
  add(name: string, parameters: number, hasResult: boolean, body: Uint8Array): void {
    const encoded = new ByteWriter().u8(0x60).u32(parameters);
    for (let i = 0; i < parameters; i++) encoded.u8(I32);
    const bytes = (hasResult ? encoded.u32(1).u8(I32) : encoded.u32(0)).toBytes();
    let at = this.module.types.findIndex(
      (known) => known.length === bytes.length && known.every((b, i) => b === bytes[i]),
    );
    if (at < 0) at = this.module.types.push(bytes) - 1;
    this.names.set(name, this.module.functions.push({ type: at, body }) - 1);
  }
}

/** The number that a function without parameters returns. */
function constantOf(module: WasmModule, name: string): number {
  const { index } = module.exports.find((entry) => entry.name === name)!;
  const { body } = module.functions[index];
  if (body[1] !== 0x41) throw new RangeError(`${name} of the kernels is no constant`);
  let value = 0;
  for (let i = 2, shift = 0; ; i++, shift += 7) {
    value |= (body[i] & 0x7f) << shift;
    if ((body[i] & 0x80) === 0) return value;
  }
}

/** Bytes [from, from + length) of the static data. */
function staticBytes(data: readonly WasmData[], from: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (const { offset, bytes: part } of data) {
    for (let i = 0; i < part.length; i++) {
      const at = offset + i - from;
      if (at >= 0 && at < length) bytes[at] = part[i];
    }
  }
  return bytes;
}

/** Without zeros at both ends, as memory is zero anyway; nothing where all are zero. */
function segment(offset: number, bytes: Uint8Array): WasmData[] {
  const first = bytes.findIndex((byte) => byte !== 0);
  if (first < 0) return [];
  const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
  return [{ offset: offset + first, bytes: bytes.slice(first, end) }];
}

const PAGE_BYTES = 65536;
const SOFTMAX = 1 << 15;
export const LINKED_FUNCTIONS = ["init", "reset", "step", "run", "saveState", "restoreState"] as const;

/**
 * Puts a model and the kernels it needs into one WebAssembly module without imports, whose memory holds all it needs and
 * cannot grow. The file was checked by whoever made `facts`.
 * @param kernels a module made from assembly/linkable.ts that can do what `facts` ask for
 */
export function linkModule(
  kernels: Uint8Array,
  file: Uint8Array,
  facts: LinkFacts,
  options: LinkOptions,
): LinkedModule {
  const module = parseModule(kernels);
  const builder = new Builder(module);
  const { index } = builder;
  const zeros = facts.zeroRanges === undefined ? undefined : encodeZeroRanges(facts.zeroRanges);
  const isChain = facts.isChain && zeros !== undefined;
  const zeroRanges = isChain ? zeros : new Uint8Array(0);
  const staticEnd = module.globals[module.exports.find(({ name }) => name === "__heap_base")!.index].value;
  const skipped = isChain ? facts.recordsOffset & ~15 : 0;
  const layout = layOut(facts, staticEnd, skipped, facts.tensorsEnd, zeroRanges.length, options.frames);

  if (isChain) addChain(builder, facts, layout, zeroRanges.length);
  else addGeneral(builder, facts, layout);
  builder.add("step", 0, true, new Code().const(1).call(index("run")).toBody());

  const modelData = segment(layout.model + skipped, file.subarray(skipped, facts.tensorsEnd));
  const data = [...modelData, ...segment(layout.zeroRanges, zeroRanges)];
  const tanh = constantOf(module, "tanhTable");
  if (options.simd || (facts.kernels & SOFTMAX) !== 0) {
    const tanhEnd = tanh + TANH_TABLE_BYTES;
    data.push(...segment(0, staticBytes(module.data, 0, tanh)));
    data.push(...segment(tanhEnd, staticBytes(module.data, tanhEnd, staticEnd - tanhEnd)));
  }
  let end = layout.end;
  if (facts.needsTanh) {
    const table = staticBytes(module.data, tanh, TANH_TABLE_BYTES);
    const packed = packTanh(table);
    if (packed === undefined) throw new RangeError("the kernels' table of tanh cannot be packed");
    // its bytes lie where frames, rows and the arena will be
    data.push({ offset: layout.frame, bytes: packed });
    end = Math.max(end, Math.ceil((layout.frame + packed.length) / 16) * 16);
    builder.add("unpack", 0, false, unpackTanh(layout.frame, tanh, firstDifference(table)));
    builder.add("start", 0, false, new Code().call(index("unpack")).call(index("reset")).drop().toBody());
  } else {
    builder.add("start", 0, false, new Code().call(index("reset")).drop().toBody());
  }

  if (options.component !== undefined) {
    const abi = addComponentAbi(builder, facts, layout, end, options.component);
    data.push(...abi.data);
    end = abi.end;
  }
  const pages = Math.ceil(end / PAGE_BYTES);
  module.memory = { minimum: pages, maximum: options.component === undefined ? pages : pages + REFUSED_PAGES };
  module.data = data.sort((a, b) => a.offset - b.offset);
  setExports(module, index, layout, end, options.component !== undefined);
  const stubbed = unneeded(facts.kernels);
  const bytes = encodeModule(stubFunctions(module, builder, stubbed));
  const modelBytes = modelData.reduce((sum, part) => sum + part.bytes.length, 0);
  return {
    bytes,
    layout: { ...layout, end },
    codeBytes: bytes.length - modelBytes,
    shape: isChain ? "chain" : "general",
  };
}

/** What the host sees: the module's own functions and addresses, or the functions of the canonical ABI. */
function setExports(module: WasmModule, index: FunctionIndex, layout: Layout, end: number, isComponent: boolean): void {
  const memory = { name: "memory", kind: EXPORT_KIND.MEMORY, index: 0 };
  module.start = index("start");
  if (isComponent) {
    module.globals = [];
    module.exports = [
      memory,
      ...COMPONENT_FUNCTIONS.map(([key, name]) => ({ name, kind: EXPORT_KIND.FUNCTION, index: index(key) })),
    ];
    return;
  }
  const addresses = [end, layout.frame, layout.output, layout.saved];
  module.globals = addresses.map((value) => ({ type: I32, isMutable: false, value }));
  const named = ["__heap_base", "frames", "output", "state"];
  module.exports = [
    memory,
    { name: "__data_end", kind: EXPORT_KIND.GLOBAL, index: 0 },
    ...named.map((name, at) => ({ name, kind: EXPORT_KIND.GLOBAL, index: at })),
    ...LINKED_FUNCTIONS.map((name) => ({
      name,
      kind: EXPORT_KIND.FUNCTION,
      index: index(name === "init" ? "reset" : name),
    })),
  ];
}

const UNREACHABLE = Uint8Array.of(0, 0x00, 0x0b);

function stubFunctions(module: WasmModule, builder: Builder, names: ReadonlySet<string>): WasmModule {
  for (const name of names) {
    const at = builder.index(name);
    module.functions[at] = { type: module.functions[at].type, body: UNREACHABLE };
  }
  return shake(module, () => true, new Set());
}

function addChain(builder: Builder, facts: LinkFacts, layout: Layout, zeroRangeBytes: number): void {
  const { index } = builder;
  builder.add("count", 1, false, countFunction());
  builder.add("put", 2, true, putFunction());
  builder.add("reset", 0, true, directReset(facts, layout, index));
  builder.add("tick", 2, true, directTick(facts, layout, index));
  builder.add("run", 1, true, directRun(facts, layout, index));
  builder.add("header", 0, true, headerFunction(facts, layout, index));
  builder.add("saveState", 0, true, directSave(facts, layout, index));
  builder.add("restoreState", 1, true, directRestore(facts, layout, zeroRangeBytes, index));
}

function addGeneral(builder: Builder, facts: LinkFacts, layout: Layout): void {
  const { index } = builder;
  builder.add("reset", 0, true, interpretedReset(facts, layout, index));
  builder.add("run", 1, true, interpretedRun(facts, layout, index));
  builder.add("saveState", 0, true, interpretedSave(facts, layout, index));
  builder.add("restoreState", 1, true, interpretedRestore(facts, layout, index));
}
