import { Code } from "./code.js";
import { type ComponentDescription, encodeDescription } from "./component-data.js";
import type { FunctionIndex } from "./direct.js";
import type { LinkFacts } from "./facts.js";
import type { Layout } from "./layout.js";
import type { WasmData } from "./module.js";

/** Order of `error` in wit/model.wit. */
const ERROR = { BAD_FRAME: 0, BAD_TOKEN: 1, BAD_STATE: 2, OUT_OF_BUDGET: 3, SCHEDULE: 4 } as const;
const INTERFACE = "gatelet:model/inference@0.1.0";
const RESULT_BYTES = 16;
const PAGE_SHIFT = 16;
/** Memory grows by this at most, and only for a list that is then refused: the longest that the canonical ABI allows. */
export const REFUSED_PAGES = 1 << (28 - PAGE_SHIFT);

/** Core functions of a component: name in the linker, name of the export, i32 parameters, whether there is a result. */
export const COMPONENT_FUNCTIONS = [
  ["abiRealloc", "cabi_realloc", 4, true],
  ["abiDescribe", `${INTERFACE}#describe`, 0, true],
  ["abiReset", `${INTERFACE}#reset`, 0, false],
  ["abiStep", `${INTERFACE}#step`, 2, true],
  ["abiRun", `${INTERFACE}#run`, 2, true],
  ["abiRunTokens", `${INTERFACE}#run-tokens`, 2, true],
  ["abiSave", `${INTERFACE}#save-state`, 0, true],
  ["abiRestore", `${INTERFACE}#restore-state`, 2, true],
] as const;

/** What adds functions to a module under construction. */
export interface AbiBuilder {
  readonly index: FunctionIndex;
  add(name: string, parameters: number, hasResult: boolean, body: Uint8Array): void;
}

/**
 * Addresses behind the model's memory: `| results | description | wide rows | room for a saved state |`. Lists that are too
 * long are copied where that room begins, over the end of the memory that is there from the start, only to be refused.
 */
interface AbiLayout {
  readonly result: number;
  readonly saved: number;
  readonly description: number;
  readonly wide: number;
  readonly room: number;
  readonly end: number;
}

const pad16 = (bytes: number): number => Math.ceil(bytes / 16) * 16;

/** Writes `err(error)` where the caller looks for the result, and returns its address. */
function refuse(code: Code, result: number, error: number, payloadAt: number): Code {
  code.const(result).const(1).store();
  return code.const(result).const(error).store(payloadAt).const(result).return();
}

/** The canonical ABI's payload of `result<list<s32>, error>`, and of `result<_, error>`. */
const LIST_PAYLOAD = 4;

/**
 * `cabi_realloc(old, oldBytes, align, bytes)`: a call takes one list, so that each list gets the same room: the frames' buffer
 * where it fits, else the room behind everything, where the call refuses it (or takes a saved state out of it). The host must
 * have a place for what it copies before the call can say that it is too much, so that memory grows for such a list; a trap
 * where the host has no memory for it, or where it is longer than lists may be.
 */
function reallocBody(layout: Layout, facts: LinkFacts, abi: AbiLayout): Uint8Array {
  const [bytes, missing] = [3, 4];
  const code = new Code(1);
  code
    .get(bytes)
    .const(2 * facts.frameSize * layout.frames)
    .greaterUnsigned()
    .eqz()
    .if()
    .const(layout.frame)
    .return()
    .end();
  code
    .get(bytes)
    .const(REFUSED_PAGES << PAGE_SHIFT)
    .greaterUnsigned()
    .if()
    .unreachable()
    .end();
  code
    .get(bytes)
    .const(abi.room + (1 << PAGE_SHIFT) - 1)
    .add()
    .const(PAGE_SHIFT)
    .shiftRight()
    .memorySize()
    .subtract()
    .tee(missing)
    .const(0)
    .greaterSigned()
    .if();
  code.get(missing).memoryGrow().const(-1).eq().if().unreachable().end().end();
  return code.const(abi.room).toBody();
}

/** `abiAnswer(values)`: runs what lies in the frames' buffer; returns the address of a `result<list<s32>, error>`. */
function answerBody(layout: Layout, facts: LinkFacts, abi: AbiLayout, index: FunctionIndex): Uint8Array {
  const [values, rows, at] = [0, 1, 2];
  const code = new Code(2);
  code
    .get(values)
    .const(facts.frameSize * layout.frames)
    .greaterUnsigned()
    .if();
  refuse(code, abi.result, ERROR.OUT_OF_BUDGET, LIST_PAYLOAD).end();
  code.get(values).const(facts.frameSize).remainderUnsigned().if();
  refuse(code, abi.result, ERROR.BAD_FRAME, LIST_PAYLOAD).end();
  code.get(values).const(facts.frameSize).divideUnsigned().call(index("run")).tee(rows).const(0).lessSigned().if();
  refuse(code, abi.result, ERROR.SCHEDULE, LIST_PAYLOAD).end();
  code.get(rows).const(facts.outputSize).multiply().set(rows);
  if (facts.outputBytesEach === 2) {
    // int16 rows are widened, the last value first
    code.get(rows).set(at).block().loop().get(at).eqz().brIf(1);
    code.get(at).const(1).subtract().tee(at).const(2).shiftLeft();
    code.get(at).const(1).shiftLeft().loadS16(layout.output).store(abi.wide).br(0).end().end();
  }
  code.const(abi.result).const(0).store();
  code
    .const(abi.result)
    .const(facts.outputBytesEach === 2 ? abi.wide : layout.output)
    .store(LIST_PAYLOAD);
  return code
    .const(abi.result)
    .get(rows)
    .store(LIST_PAYLOAD + 4)
    .const(abi.result)
    .toBody();
}

const refusing = (abi: AbiLayout): Uint8Array =>
  refuse(new Code(), abi.result, ERROR.BAD_FRAME, LIST_PAYLOAD).unreachable().toBody();

function stepBody(facts: LinkFacts, abi: AbiLayout, index: FunctionIndex): Uint8Array {
  const values = 1;
  const code = new Code().get(values).const(facts.frameSize).ne().if();
  refuse(code, abi.result, ERROR.BAD_FRAME, LIST_PAYLOAD).end();
  return code.get(values).call(index("abiAnswer")).toBody();
}

/** Looks at all tokens before the first is taken. */
function tokensBody(vocabulary: number, layout: Layout, abi: AbiLayout, index: FunctionIndex): Uint8Array {
  const [values, at] = [1, 2];
  const code = new Code(1).get(values).const(layout.frames).greaterUnsigned().eqz().if();
  code.get(values).set(at).block().loop().get(at).eqz().brIf(1);
  code.get(at).const(1).subtract().tee(at).const(1).shiftLeft().loadU16(layout.frame);
  code.const(vocabulary).greaterEqualUnsigned().if();
  refuse(code, abi.result, ERROR.BAD_TOKEN, LIST_PAYLOAD).end().br(0).end().end().end();
  return code.get(values).call(index("abiAnswer")).toBody();
}

/** Exchanges the saved state with the list, so that a refused one can be put back. */
function restoreBody(layout: Layout, abi: AbiLayout, index: FunctionIndex): Uint8Array {
  const [list, bytes] = [0, 1];
  const refused = (code: Code): Code =>
    code
      .const(abi.result)
      .const(1 | (ERROR.BAD_STATE << 8))
      .store()
      .const(abi.result)
      .return();
  const code = new Code().get(bytes).const(layout.savedBytes).ne().if();
  refused(code).end().call(index("saveState")).drop().get(list).call(index("abiExchange"));
  code.const(layout.savedBytes).call(index("restoreState")).if();
  code.get(list).call(index("abiExchange")).const(layout.savedBytes).call(index("restoreState")).drop();
  refused(code).end();
  return code.const(abi.result).const(0).store().const(abi.result).toBody();
}

/** `abiExchange(list)`: exchanges as many bytes as a saved state has. */
function exchangeBody(layout: Layout): Uint8Array {
  const [list, at, byte] = [0, 1, 2];
  const code = new Code(2).const(layout.savedBytes).set(at).block().loop().get(at).eqz().brIf(1);
  code.get(at).const(1).subtract().tee(at).loadU8(layout.saved).set(byte);
  code.get(at).get(list).get(at).add().loadU8().store8(layout.saved);
  return code.get(list).get(at).add().get(byte).store8().br(0).end().end().toBody();
}

/**
 * Adds the canonical ABI's functions behind a module's own; returns the static data they need and where memory ends.
 * @param start first free address, a multiple of 16
 */
export function addComponentAbi(
  builder: AbiBuilder,
  facts: LinkFacts,
  layout: Layout,
  start: number,
  description: ComponentDescription,
): { readonly data: WasmData[]; readonly end: number } {
  const described = start + RESULT_BYTES + RESULT_BYTES;
  const encoded = encodeDescription(described, description, layout.frames, layout.savedBytes);
  const wide = pad16(described + encoded.length);
  const room = wide + (facts.outputBytesEach === 2 ? pad16(4 * layout.outputRows * facts.outputSize) : 0);
  const end = room + pad16(layout.savedBytes);
  const abi: AbiLayout = { result: start, saved: start + RESULT_BYTES, description: described, wide, room, end };
  const { index } = builder;
  const savedPair = new Uint8Array(Uint32Array.of(layout.saved, layout.savedBytes).buffer);
  const isTokens = description.input === "tokens";

  builder.add("abiAnswer", 1, true, answerBody(layout, facts, abi, index));
  builder.add("abiExchange", 1, false, exchangeBody(layout));
  const bodies: Readonly<Record<(typeof COMPONENT_FUNCTIONS)[number][0], Uint8Array>> = {
    abiRealloc: reallocBody(layout, facts, abi),
    abiDescribe: new Code().const(abi.description).toBody(),
    abiReset: new Code().call(index("reset")).drop().toBody(),
    abiStep: isTokens ? refusing(abi) : stepBody(facts, abi, index),
    abiRun: isTokens ? refusing(abi) : new Code().get(1).call(index("abiAnswer")).toBody(),
    abiRunTokens: isTokens ? tokensBody(description.vocabularySize, layout, abi, index) : refusing(abi),
    abiSave: new Code().call(index("saveState")).drop().const(abi.saved).toBody(),
    abiRestore: restoreBody(layout, abi, index),
  };
  for (const [name, , parameters, hasResult] of COMPONENT_FUNCTIONS) {
    builder.add(name, parameters, hasResult, bodies[name]);
  }
  return {
    data: [
      { offset: abi.saved, bytes: savedPair },
      { offset: abi.description, bytes: encoded },
    ],
    end,
  };
}
