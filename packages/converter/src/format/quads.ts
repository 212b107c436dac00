import { blocksOf, quadsOf } from "./sizes.js";

/** How the rows of a kernel are grouped into quads (FORMAT.md 6). */
export type QuadOrder = "plain" | "lstm" | "gru" | "gruResetAfter" | "minimalGru";

/**
 * Weights of one part, int8 [rows, columns], row-major. Rows are gate-major in the gate order of Keras:
 * plain: H rows; LSTM: i, f, c, o; GRU: z, r, h; minimal GRU: f, h (row = gate * H + unit). int4 weights are -8..7.
 */
export interface WeightPart {
  readonly weights: Int8Array;
  readonly columns: number;
}

export interface QuadWeights {
  readonly order: QuadOrder;
  readonly bits: 8 | 4;
  /** H: units, or rows of a plain matrix. */
  readonly hiddenSize: number;
  readonly input: WeightPart;
  readonly recurrent?: WeightPart;
  /** True where the recurrent part comes first in memory and takes the left shift. */
  readonly recurrentFirst?: boolean;
}

/** One quad: for each lane A..D the row of the weight parts and the row of bias and multiplier; -1 where it is missing. */
export interface Quad {
  readonly weightRows: readonly number[];
  /**
   * Row of the parameter arrays: gate-major as the weights; GRU_RESET_AFTER z, r, candidate input, candidate recurrent
   * (4 H rows).
   */
  readonly paramRows: readonly number[];
  readonly parts: "both" | "input" | "recurrent";
}

/** The quads of a kernel in file order. */
export function quadList(order: QuadOrder, hiddenSize: number): Quad[] {
  const groups = quadsOf(hiddenSize);
  const group = (g: number, weightGate: number, paramGate: number, parts: Quad["parts"] = "both"): Quad => {
    const rows = (gate: number) =>
      [0, 1, 2, 3].map((lane) => (4 * g + lane < hiddenSize ? gate * hiddenSize + 4 * g + lane : -1));
    return { weightRows: rows(weightGate), paramRows: rows(paramGate), parts };
  };
  const each = (make: (g: number) => Quad[]): Quad[] => Array.from({ length: groups }, (_, g) => make(g)).flat();
  switch (order) {
    case "plain":
      return each((g) => [group(g, 0, 0)]);
    case "lstm":
      return Array.from({ length: hiddenSize }, (_, unit) => {
        const rows = [0, 1, 2, 3].map((gate) => gate * hiddenSize + unit);
        return { weightRows: rows, paramRows: rows, parts: "both" };
      });
    case "gru":
      return [...each((g) => [group(g, 1, 1)]), ...each((g) => [group(g, 0, 0), group(g, 2, 2)])];
    case "minimalGru":
      return [...each((g) => [group(g, 0, 0)]), ...each((g) => [group(g, 1, 1)])];
    case "gruResetAfter":
      return each((g) => [group(g, 0, 0), group(g, 1, 1), group(g, 2, 2, "input"), group(g, 2, 3, "recurrent")]);
  }
}

/** Gates whose rows the weight parts hold, and rows of parameters, per unit. */
export const GATES: Readonly<Record<QuadOrder, { readonly weights: number; readonly params: number }>> = {
  plain: { weights: 1, params: 1 },
  lstm: { weights: 4, params: 4 },
  gru: { weights: 3, params: 3 },
  gruResetAfter: { weights: 3, params: 4 },
  minimalGru: { weights: 2, params: 2 },
};

interface Visit {
  readonly quad: Quad;
  readonly part: "input" | "recurrent";
  readonly blocks: number;
  /** Byte offset of the first block of this quad and part. */
  readonly at: number;
}

type Shape = Pick<QuadWeights, "order" | "bits" | "hiddenSize" | "recurrentFirst"> & {
  readonly inputColumns: number;
  readonly recurrentColumns: number | undefined;
};

/** Runs of blocks in file order; returns the number of bytes. */
function visitParts(shape: Shape, visit: (run: Visit) => void): number {
  const sequence = (shape.recurrentFirst ? ["recurrent", "input"] : ["input", "recurrent"]) as (
    | "input"
    | "recurrent"
  )[];
  let at = 0;
  for (const quad of quadList(shape.order, shape.hiddenSize)) {
    for (const part of sequence) {
      const columns = part === "input" ? shape.inputColumns : shape.recurrentColumns;
      if (columns === undefined || (quad.parts !== "both" && quad.parts !== part)) continue;
      const blocks = blocksOf(columns, shape.bits);
      visit({ quad, part, blocks, at });
      at += 16 * blocks;
    }
  }
  return at;
}

function checkPart(name: string, part: WeightPart, rows: number, bits: 8 | 4): void {
  if (part.weights.length !== rows * part.columns) {
    throw new RangeError(`${name} weights have ${part.weights.length} values, must be ${rows} rows x ${part.columns}`);
  }
  const bad = bits === 4 ? part.weights.find((w) => w < -8 || w > 7) : undefined;
  if (bad !== undefined) throw new RangeError(`${name} weight is ${bad}, must be -8..7 at 4 bits`);
}

/** One 16-byte block: 4 rows x 4 columns of 8 bits, or 4 rows x 8 columns of 4 bits. */
function packBlock(bytes: Uint8Array, at: number, bits: 8 | 4, weight: (lane: number, column: number) => number): void {
  if (bits === 8) {
    for (let c = 0; c < 4; c++) {
      bytes[at + 2 * c] = weight(0, c) + 128;
      bytes[at + 2 * c + 1] = weight(1, c);
      bytes[at + 8 + 2 * c] = weight(2, c) + 128;
      bytes[at + 8 + 2 * c + 1] = weight(3, c);
    }
    return;
  }
  for (let c = 0; c < 8; c++) {
    bytes[at + 2 * c] = (weight(0, c) + 8) | ((weight(1, c) + 8) << 4);
    bytes[at + 2 * c + 1] = (weight(2, c) + 8) | ((weight(3, c) & 15) << 4);
  }
}

/** The weight of one lane and column of the block at `at`. */
function blockWeight(bytes: Uint8Array, at: number, bits: 8 | 4, lane: number, column: number): number {
  if (bits === 8) {
    const byte = bytes[at + 8 * (lane >> 1) + 2 * column + (lane & 1)]!;
    return lane & 1 ? (byte << 24) >> 24 : byte - 128;
  }
  const nibble = (bytes[at + 2 * column + (lane >> 1)]! >> (4 * (lane & 1))) & 15;
  return lane === 3 ? (nibble << 28) >> 28 : nibble - 8;
}

/** Quads of FORMAT.md 6 for any kernel with weights in quads. Missing rows and columns are zero weights. */
export function packQuads(spec: QuadWeights): Uint8Array {
  const { order, bits, hiddenSize, input, recurrent, recurrentFirst } = spec;
  const rows = GATES[order].weights * hiddenSize;
  checkPart("input", input, rows, bits);
  if (recurrent !== undefined) checkPart("recurrent", recurrent, rows, bits);
  const shape: Shape = {
    order,
    bits,
    hiddenSize,
    recurrentFirst,
    inputColumns: input.columns,
    recurrentColumns: recurrent?.columns,
  };
  const bytes = new Uint8Array(visitParts(shape, () => {}));
  const perBlock = bits === 8 ? 4 : 8;
  visitParts(shape, ({ quad, part, blocks, at }) => {
    const { weights, columns } = part === "input" ? input : recurrent!;
    for (let block = 0; block < blocks; block++) {
      packBlock(bytes, at + 16 * block, bits, (lane, c) => {
        const row = quad.weightRows[lane]!;
        const column = block * perBlock + c;
        return row < 0 || column >= columns ? 0 : weights[row * columns + column]!;
      });
    }
  });
  return bytes;
}

/** Inverse of `packQuads`: the parts as row-major int8 in Keras' gate order (for reports and the reference's tests). */
export function unpackQuads(
  bytes: Uint8Array,
  shape: Shape,
): { readonly input: Int8Array; readonly recurrent: Int8Array | undefined } {
  const rows = GATES[shape.order].weights * shape.hiddenSize;
  const input = new Int8Array(rows * shape.inputColumns);
  const recurrent = shape.recurrentColumns === undefined ? undefined : new Int8Array(rows * shape.recurrentColumns);
  const perBlock = shape.bits === 8 ? 4 : 8;
  visitParts(shape, ({ quad, part, blocks, at }) => {
    const target = part === "input" ? input : recurrent!;
    const columns = part === "input" ? shape.inputColumns : shape.recurrentColumns!;
    quad.weightRows.forEach((row, lane) => {
      if (row < 0) return;
      for (let c = 0; c < columns; c++) {
        const block = Math.floor(c / perBlock);
        if (block >= blocks) throw new RangeError(`column ${c} lies behind the last block`);
        target[row * columns + c] = blockWeight(bytes, at + 16 * block, shape.bits, lane, c % perBlock);
      }
    });
  });
  return { input, recurrent };
}

/**
 * rowParams of a record: per quad bias x 4 then multiplier x 4.
 * @param bias       int32 [param rows] gate-major (see `Quad.paramRows`)
 * @param multiplier int32 [param rows]
 */
export function packRowParams(
  order: QuadOrder,
  hiddenSize: number,
  bias: ArrayLike<number>,
  multiplier: ArrayLike<number>,
): Int32Array {
  const rows = GATES[order].params * hiddenSize;
  if (bias.length !== rows || multiplier.length !== rows) {
    throw new RangeError(`bias and multiplier have ${bias.length} and ${multiplier.length} rows, must be ${rows}`);
  }
  const quads = quadList(order, hiddenSize);
  const params = new Int32Array(8 * quads.length);
  quads.forEach(({ paramRows }, index) => {
    paramRows.forEach((row, lane) => {
      if (row < 0) return;
      params[8 * index + lane] = bias[row]!;
      params[8 * index + 4 + lane] = multiplier[row]!;
    });
  });
  return params;
}

/** Inverse of `packRowParams`. */
export function unpackRowParams(
  order: QuadOrder,
  hiddenSize: number,
  params: Int32Array,
): { readonly bias: Int32Array; readonly multiplier: Int32Array } {
  const rows = GATES[order].params * hiddenSize;
  const bias = new Int32Array(rows);
  const multiplier = new Int32Array(rows);
  quadList(order, hiddenSize).forEach(({ paramRows }, index) => {
    paramRows.forEach((row, lane) => {
      if (row < 0) return;
      bias[row] = params[8 * index + lane]!;
      multiplier[row] = params[8 * index + 4 + lane]!;
    });
  });
  return { bias, multiplier };
}
