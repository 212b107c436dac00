import { Code } from "./code.js";
import { countersAt, type FunctionIndex, isWindowedKernel } from "./direct.js";
import type { LinkFacts } from "./facts.js";
import { type Layout, SAVED_HEADER_BYTES } from "./layout.js";

const MAGIC = 0x54535447;
const VERSION_AND_HEADER = 1 | (SAVED_HEADER_BYTES << 16);
const CRC_AT = 12;
const FRAMES_AT = 20;
const CHECKED_AT = 16;
const BAD_STATE = -17;
const [SEEN, EMITTED, WAIT] = [0, 4, 8];

/** `put(address, value)`: stores a word and returns in which bits it was different before. */
export function putFunction(): Uint8Array {
  return new Code().get(0).load().get(1).xor().get(0).get(1).store().toBody();
}

/** `header()`: writes the 48 bytes before the state (FORMAT.md 8) and returns whether they were different before. */
export function headerFunction(facts: LinkFacts, layout: Layout, index: FunctionIndex): Uint8Array {
  const code = new Code();
  const put = (at: number, value: () => Code): void => {
    code.const(layout.saved + at);
    value().call(index("put"));
    if (at > 0) code.or();
  };
  const constants = [MAGIC, VERSION_AND_HEADER, layout.savedBytes, undefined, facts.crc32, undefined, facts.stateBytes];
  for (let word = 0; word < SAVED_HEADER_BYTES / 4; word++) {
    if (4 * word === CRC_AT) continue;
    if (4 * word === FRAMES_AT) put(FRAMES_AT, () => code.const(layout.arena).load(4));
    else put(4 * word, () => code.const(constants[word] ?? 0));
  }
  put(CRC_AT, () =>
    code
      .const(layout.saved + CHECKED_AT)
      .const(layout.savedBytes - CHECKED_AT)
      .call(index("crc32")),
  );
  return code.toBody();
}

/** `saveState()`: makes the saved state complete where it lies and returns its length. */
export function directSave(_facts: LinkFacts, layout: Layout, index: FunctionIndex): Uint8Array {
  return new Code().call(index("header")).drop().const(layout.savedBytes).toBody();
}

/** Bytes of a list of zero ranges: u16 gap since the last range, u16 length; undefined where a range is too long. */
export function encodeZeroRanges(ranges: readonly (readonly [number, number])[]): Uint8Array | undefined {
  const bytes = new Uint8Array(4 * ranges.length);
  const view = new DataView(bytes.buffer);
  let position = 0;
  for (const [i, [offset, length]] of ranges.entries()) {
    const gap = offset - position;
    if (gap > 0xffff || length > 0xffff) return undefined;
    view.setUint16(4 * i, gap, true);
    view.setUint16(4 * i + 2, length, true);
    position = offset + length;
  }
  return bytes;
}

/** Ends `restoreState` with the difference on the stack: a refused state leaves a stream at its first frame. */
function refuseUnlessZero(code: Code, index: FunctionIndex): Code {
  return code.if().call(index("reset")).drop().const(BAD_STATE).return().end().const(0);
}

/**
 * `restoreState(bytes)`: the host has written a saved state over the old one; checks all that FORMAT.md 8 asks for.
 * The checks of a chain's counters are written out, bytes that must be zero are listed in a table.
 */
export function directRestore(
  facts: LinkFacts,
  layout: Layout,
  zeroRangeBytes: number,
  index: FunctionIndex,
): Uint8Array {
  const [bytes, bad, entry, at, end] = [0, 1, 2, 3, 4];
  const code = new Code(4).get(bytes).const(layout.savedBytes).ne().call(index("header")).or();
  code.const(layout.arena).load().const(facts.crc32).ne().or();
  if (facts.window > 0) code.const(layout.arena).load(4).const(facts.window).greaterEqualUnsigned().or();
  facts.records.forEach((record, i) => {
    const counters = countersAt(layout, i);
    if (facts.window > 0) {
      const before = i === 0 ? layout.arena + 4 : countersAt(layout, i - 1) + EMITTED;
      code.const(counters).load(SEEN).const(before).load().ne().or();
      if (i === 0) code.const(counters).load(EMITTED).const(before).load().ne().or();
      else code.const(counters).load(EMITTED).const(record.rowsOut).greaterUnsigned().or();
    }
    if (isWindowedKernel(record.kernel)) {
      code.const(counters).loadU16(WAIT).const(1).subtract().const(record.mostWait).greaterEqualUnsigned().or();
    }
    if (record.kernel === 10 && !record.isMaximum) {
      code
        .const(layout.arena + record.state)
        .load()
        .const(counters)
        .load(SEEN)
        .greaterUnsigned()
        .or();
    }
  });
  code.set(bad);
  if (zeroRangeBytes > 0) {
    code.const(layout.zeroRanges).set(entry).const(layout.arena).set(at);
    code.loop();
    code.get(at).get(entry).loadU16().add().tee(at).get(entry).loadU16(2).add().set(end);
    code.block().loop().get(at).get(end).eq().brIf(1);
    code.get(bad).get(at).loadU8().or().set(bad).get(at).const(1).add().set(at).br(0).end().end();
    code
      .get(entry)
      .const(4)
      .add()
      .tee(entry)
      .const(layout.zeroRanges + zeroRangeBytes);
    code.ne().brIf(0).end();
  }
  return refuseUnlessZero(code.get(bad), index).toBody();
}

/** The same for models of any shape. */
export function interpretedSave(_facts: LinkFacts, layout: Layout, index: FunctionIndex): Uint8Array {
  const code = new Code().const(layout.model).const(layout.arena).const(layout.saved).call(index("save"));
  return code.const(layout.savedBytes).toBody();
}

export function interpretedRestore(_facts: LinkFacts, layout: Layout, index: FunctionIndex): Uint8Array {
  const code = new Code().const(layout.model).const(layout.saved).get(0).call(index("savedStateValid")).eqz();
  return refuseUnlessZero(code, index).toBody();
}
