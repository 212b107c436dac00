import { HEADER, KERNEL, type KernelName, RECORD } from "../../../packages/converter/src/format/schema.js";
import { STATUSES, type StatusName } from "../../../packages/converter/src/format/statuses.js";

/**
 * The code of rules that firmware/src/rules.c runs. A rule is `length, kind, scope, instructions`: one expression over u32
 * (modulo 2^32), and what becomes of its value. An instruction is `op << 4 | mode` and its operand; the accumulator takes
 * accumulator OP operand. Modes: 0 pop, 1 word, else width (1: u8, 2: u16, 3: u32) << 2 | place (0: behind the instruction,
 * 1: subject, 2: other, 3: header; then the offset is one byte).
 */
const OPS = ["LOAD", "ADD", "SUB", "MUL", "AND", "OR", "XOR", "SHL", "SHR", "EQ", "LT", "GE", "PAD"] as const;
type Op = (typeof OPS)[number];
const SIGNS: Readonly<Record<Op, string>> = {
  ...{ LOAD: "", ADD: "+", SUB: "-", MUL: "*", AND: "&", OR: "|", XOR: "^", SHL: "<<", SHR: ">>" },
  ...{ EQ: "==", LT: "<", GE: ">=", PAD: "pad" },
};

interface Leaf {
  readonly text: string;
  readonly mode: number;
  /** Bytes behind the instruction, as C. */
  readonly bytes: readonly string[];
}
interface Operation {
  readonly op: Op;
  readonly left: Expression;
  readonly right: Expression;
}
export type Expression = Leaf | Operation;
export type Value = Expression | number;

const WIDTHS = { u8: 1, u16: 2, i16: 2, u32: 3, i32: 3 } as const;
const PLACES = { subject: 1, other: 2, header: 3 } as const;

function constant(value: number): Leaf {
  const width = value < 0x100 ? 1 : value < 0x10000 ? 2 : 3;
  const bytes = Array.from({ length: 1 << (width - 1) }, (_, i) => `${(value >>> (8 * i)) & 255}`);
  return { text: value > 99_999 ? `0x${value.toString(16)}` : `${value}`, mode: width << 2, bytes };
}

/** A u32 that the C compiler knows. */
export const macro = (name: string): Leaf => ({
  text: name,
  mode: 3 << 2,
  bytes: [0, 8, 16, 24].map((shift) => `(${name} >> ${shift}) & 255`),
});

/** Unsigned field of the subject, the other or the header. */
export const at = (place: keyof typeof PLACES, offset: number, type: keyof typeof WIDTHS, text: string): Leaf => ({
  text: place === "subject" ? text : `${place}.${text}`,
  mode: (WIDTHS[type] << 2) | PLACES[place],
  bytes: [`${offset}`],
});

type Fields<T> = { readonly [K in keyof T]: Leaf };

export function fieldsOf<T extends Readonly<Record<string, readonly [number, string]>>>(
  place: keyof typeof PLACES,
  table: T,
): Fields<T> {
  const entries = Object.entries(table).filter(([, [, type]]) => type in WIDTHS);
  return Object.fromEntries(
    entries.map(([name, [offset, type]]) => [name, at(place, offset, type as keyof typeof WIDTHS, name)]),
  ) as Fields<T>;
}

/** The first four have meanings of their own: what scopes select by, and the places' offsets. */
export const WORDS = [
  ...["selector", "subject", "other", "header"],
  ...[
    "length",
    "crc",
    "index",
    "free",
    "records",
    "tensorsBegin",
    "tensorsEnd",
    "metas",
    "stateEnd",
    "rows",
    "kernels",
  ],
  ...["stateNeed", "scratchNeed", "weightsNeed", "quadsNeed", "auxNeed"],
  ...["first", "second", "row", "depth", "mask", "shift"],
  ...["repeat", "used", "stride", "flagsBytes", "freeBytes"],
] as const;
export type Word = (typeof WORDS)[number];
export const word = (name: Word): Leaf => ({ text: name, mode: 1, bytes: [`${WORDS.indexOf(name)}`] });

const expression = (value: Value): Expression => (typeof value === "number" ? constant(value) : value);
const operation =
  (op: Op) =>
  (first: Value, ...others: readonly Value[]): Expression =>
    others.reduce<Expression>((left, right) => ({ op, left, right: expression(right) }), expression(first));
export const add = operation("ADD");
export const sub = operation("SUB");
export const mul = operation("MUL");
export const and = operation("AND");
export const or = operation("OR");
export const shl = operation("SHL");
export const shr = operation("SHR");
export const xor = operation("XOR");
export const eq = operation("EQ");
export const lt = operation("LT");
/** Up to the next multiple of `mask` + 1. */
export const pad = operation("PAD");
export const le = (a: Value, b: Value): Expression => operation("GE")(b, a);
export const ge = operation("GE");
export const isSet = (a: Value): Expression => ge(a, 1);
export const isZero = (a: Value): Expression => eq(a, 0);
/** `yes` where `condition` (0 or 1) is 1, else `no`. */
export const choose = (condition: Value, yes: Value, no: Value): Expression => add(no, mul(condition, sub(yes, no)));

const textOf = (e: Expression): string =>
  "op" in e ? `(${textOf(e.left)} ${SIGNS[e.op]} ${textOf(e.right)})` : e.text;

const instruction = (op: Op, mode: number, bytes: readonly string[]): string[] => [
  `${(OPS.indexOf(op) << 4) | mode}`,
  ...bytes,
];

function compile(e: Expression): string[] {
  if (!("op" in e)) return instruction("LOAD", e.mode, e.bytes);
  if (!("op" in e.right)) return [...compile(e.left), ...instruction(e.op, e.right.mode, e.right.bytes)];
  return [...compile(e.right), ...compile(e.left), ...instruction(e.op, 0, [])];
}

/** Values that wait while an expression is computed; each LOAD keeps the accumulator. */
function depthOf(e: Expression): number {
  if (!("op" in e)) return 1;
  if (!("op" in e.right)) return depthOf(e.left);
  return Math.max(depthOf(e.right), 1 + depthOf(e.left));
}

export interface Rule {
  readonly text: string;
  readonly kind: string;
  readonly code: readonly string[];
  readonly depth: number;
  /** Bits that the selector may have; undefined: any. */
  readonly scope?: number;
  /** Preprocessor condition. */
  readonly when?: string;
}

/** A file is refused with `status` unless the value is not zero. */
export function need(status: StatusName, test: Value): Rule {
  const value = expression(test);
  const code = STATUSES.findIndex(([name]) => name === status);
  return { text: `${status} unless ${textOf(value)}`, kind: `${code}`, code: compile(value), depth: depthOf(value) };
}

export function set(name: Word, value: Value): Rule {
  const e = expression(value);
  const kind = `${64 + WORDS.indexOf(name)}`;
  return { text: `${name} = ${textOf(e)}`, kind, code: compile(e), depth: depthOf(e) };
}

/** Rules that hold where the selector is one of `bits`. */
export const on = (bits: readonly number[], ...rules: readonly Rule[]): Rule[] =>
  rules.map((rule) => ({ ...rule, scope: bits.reduce((mask, bit) => (mask | (1 << bit)) >>> 0, 0) }));

const MOST_NAMED = 6;

/** Rules of some kernels, compiled where one of them is. */
export function onKernels(names: readonly KernelName[], ...rules: readonly Rule[]): Rule[] {
  const scoped = on(
    names.map((name) => KERNEL[name]),
    ...rules,
  );
  if (names.length > MOST_NAMED) return scoped;
  return scoped.map((rule) => ({ ...rule, when: names.map((name) => `GL_HAS(${name})`).join(" || ") }));
}

export const record = fieldsOf("subject", RECORD);
export const other = fieldsOf("other", RECORD);
export const header = fieldsOf("header", HEADER);

const scopeName = (mask: number): string =>
  Object.entries(KERNEL)
    .filter(([, id]) => (mask >>> id) & 1)
    .map(([name]) => name)
    .join(", ");

/** A program as a C array; `scopes` collects masks. */
export function programText(name: string, rules: readonly Rule[], scopes: number[]): string {
  const lines = rules.map((rule) => {
    if (rule.depth > STACK_DEPTH) throw new Error(`too deep: ${rule.text}`);
    const mask = rule.scope ?? 0xffffffff;
    if (!scopes.includes(mask)) scopes.push(mask);
    const all = [rule.kind, `${scopes.indexOf(mask)}`, ...rule.code];
    const kernels = rule.scope === undefined || rule.when === undefined ? "" : `${scopeName(mask)}: `;
    const body = `    /* ${kernels}${rule.text} */\n    ${[all.length + 1, ...all].join(", ")},`;
    return rule.when === undefined ? body : `#if ${rule.when}\n${body}\n#endif`;
  });
  return `const uint8_t ${name}[] = {\n${lines.join("\n")}\n    0,\n};`;
}

export const STACK_DEPTH = 6;
