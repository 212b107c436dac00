import { FLAG, type KernelName, simulateSchedule } from "../format/index.js";
import type { RecordSpec } from "../format/spec.js";
import type { Graph, GraphNode } from "../graph/types.js";
import type { NodeStats } from "../quantize/calibrate.js";
import { type Alignment, type QuantizedGroups, quantizeGroups, type RowGroup } from "../quantize/matrices.js";
import type { LayerReport } from "../quantize/options.js";
import type { RangeMethod, RangeStats } from "../quantize/range.js";
import type { WeightBits } from "../quantize/rows.js";
import type { SimulatedNode } from "../quantize/simulate/graph.js";
import type { RawEncoding } from "./input-encoding.js";

/** Rows that a record emits: real = scale * q. */
export interface Signal {
  readonly record: number;
  readonly scale: number;
}

/** What the report says of a layer with weights. */
export interface MatrixFacts {
  readonly bits: WeightBits;
  readonly alignShift: number;
  readonly recurrentFirst: boolean;
  /** Rows whose scale was raised for the overflow proof, and the largest factor. */
  readonly raisedRows: number;
  readonly largestRaise: number;
  /** Fraction bits of an LSTM's cell. */
  readonly cellBits?: number;
}

export interface LoweringOptions {
  readonly bitsOf: (index: number) => WeightBits;
  readonly rangeMethod: RangeMethod;
  readonly margin: number;
  /** False: plain rounding. */
  readonly compensate: boolean;
  readonly encoding: RawEncoding | undefined;
  /** Which of the scales that suit a recurrent layer's alignment; undefined: the one with the least expected error. */
  readonly alignStep?: number;
  /** Layers by name, of an earlier conversion whose layout is kept. */
  readonly like: ReadonlyMap<string, Pick<LayerReport, "scale" | "alignShift" | "recurrentFirst">>;
  /** Rounded matrices by node and bits, kept over several lowerings of one graph. */
  readonly cache: Map<string, QuantizedGroups>;
}

export type OutputTransform = "none" | "softmax" | "sigmoid";
type Fields = RecordSpec["fields"];
type Tensors = Omit<RecordSpec, "kernel" | "fields">;
export type NodeOf<Op extends GraphNode["op"]> = Extract<GraphNode, { op: Op }>;

/** Everything that grows while a graph is turned into records, node by node. */
export class Lowering {
  readonly records: RecordSpec[] = [];
  /** Graph node of each record. */
  readonly recordNodes: number[] = [];
  readonly signals: (Signal | undefined)[] = [];
  readonly simulated: (SimulatedNode | undefined)[] = [];
  readonly matrices = new Map<number, MatrixFacts>();
  /** Key in `options.cache` of each node's rounded matrix. */
  readonly cacheKeys = new Map<number, string>();
  readonly warnings: string[] = [];
  /** True where a scale was chosen to suit the alignment of a recurrent layer. */
  hasAlignedScale = false;
  /** META entries about the input: the code that marks a masked frame, for instance. */
  readonly inputMeta: Record<string, unknown> = {};
  readonly consumers: readonly (readonly number[])[];

  constructor(
    readonly graph: Graph,
    readonly stats: readonly NodeStats[],
    readonly options: LoweringOptions,
    /** Node whose rows leave the device, and what the host makes of them. */
    readonly head: { readonly node: number; readonly transform: OutputTransform },
  ) {
    const consumers: number[][] = graph.nodes.map(() => []);
    graph.nodes.forEach((node, index) => {
      for (const input of new Set(node.inputs)) consumers[input].push(index);
    });
    this.consumers = consumers;
  }

  get isStream(): boolean {
    return this.graph.window === null;
  }

  /** Rows of a node in a window; 0 in a stream model. */
  rowsOf(index: number): number {
    const { shape } = this.graph.nodes[index];
    return this.isStream ? 0 : shape.sequence ? (shape.rows ?? 1) : 1;
  }

  signal(index: number): Signal {
    const signal = this.signals[index];
    if (signal === undefined) throw new Error(`node ${this.graph.nodes[index].name} has not been lowered`);
    return signal;
  }

  bound(stats: RangeStats): number {
    return stats.bound(this.options.rangeMethod, this.options.margin);
  }

  /** `quantizeGroups`, once per node, width and the one scale that may differ between lowerings. */
  quantize(index: number, name: string, groups: readonly RowGroup[], bits: WeightBits, scale: number): QuantizedGroups {
    const key = `${index}:${bits}:${scale}`;
    const known = this.options.cache.get(key) ?? quantizeGroups(name, groups, bits, this.#keptAlignment(name));
    this.options.cache.set(key, known);
    this.cacheKeys.set(index, key);
    return known;
  }

  #keptAlignment(name: string): Alignment | undefined {
    const layer = this.options.like.get(name);
    if (layer?.alignShift === undefined) return undefined;
    return { shift: layer.alignShift, recurrentFirst: layer.recurrentFirst === true };
  }

  /**
   * Adds the record of a node that reads its first input.
   * @param fields beside input0, sizes, rows and the mask flags, which follow from the graph
   */
  emit(index: number, kernel: KernelName, fields: Fields, tensors: Tensors = {}, from?: number): number {
    const node = this.graph.nodes[index];
    const input0 = from ?? this.signal(node.inputs[0]).record;
    const source = this.records[input0].fields;
    const flags = (fields.flags ?? 0) | (node.maskOut === true ? FLAG.MASK_PASS : 0);
    return this.push(index, {
      kernel,
      fields: {
        input0,
        inputSize: source.outputSize ?? 0,
        outputSize: node.shape.cols,
        rowsIn: source.rowsOut ?? 0,
        rowsOut: this.rowsOf(index),
        ...fields,
        flags,
      },
      ...tensors,
    });
  }

  /** Adds a record as it is. */
  push(index: number, record: RecordSpec): number {
    this.recordNodes.push(index);
    return this.records.push(record) - 1;
  }

  /**
   * Puts a FIFO before one of two rows that are to be merged where they arrive at different times.
   * @returns the records to merge, or undefined where no queue can help
   */
  synchronise(index: number, first: number, second: number): readonly [number, number] | undefined {
    if (first === second) return [first, second];
    const size = this.records[first].fields.outputSize ?? 0;
    const rows = this.records[first].fields.rowsOut ?? 0;
    const other = this.records[second].fields.outputSize ?? 0;
    // A concat fits any two sizes: it stands in for the real merge.
    const probe: RecordSpec = {
      kernel: "MERGE",
      fields: { input0: first, input1: second, inputSize: size, outputSize: size + other, rowsIn: rows, rowsOut: rows },
    };
    const { merges } = simulateSchedule([...this.records, probe], this.graph.window ?? 0);
    const { ahead, capacity, unmatched } = merges[merges.length - 1];
    if (ahead === "both" || unmatched > 0) return undefined;
    if (ahead === "none") return [first, second];
    const [early, late] = ahead === "first" ? [first, second] : [second, first];
    const source = this.records[early].fields;
    const maskPass = (this.records[early].fields.flags ?? 0) & (FLAG.MASK_PASS | FLAG.MASK_SET);
    const fifo = this.push(index, {
      kernel: "FIFO",
      fields: {
        input0: early,
        input1: late,
        inputSize: source.outputSize ?? 0,
        outputSize: source.outputSize ?? 0,
        rowsIn: source.rowsOut ?? 0,
        rowsOut: source.rowsOut ?? 0,
        taps: capacity,
        flags: maskPass !== 0 ? FLAG.MASK_PASS : 0,
      },
    });
    return ahead === "first" ? [fifo, second] : [first, fifo];
  }
}
