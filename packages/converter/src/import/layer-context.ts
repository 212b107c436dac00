import type { GraphBuilder } from "../graph/builder.js";
import type { Activation, FloatTensor, GraphNode, RowShape } from "../graph/types.js";
import type { Dialect, LayerConfig } from "./config.js";
import { ImportError } from "./errors.js";
import type { JsonObject } from "./json.js";
import type { WeightAddress, WeightStore } from "./weight-store.js";

/** Which rows a mask leaves out, and what a recurrent layer's masked rows hold. */
export interface MaskTag {
  /** Node whose rows are compared with `value`; -1 where several masks have met. */
  readonly source: number;
  readonly value: number;
  readonly when: "all" | "any";
  /** Keras has put zeros in place of the masked rows, where Gatelet repeats the row before. */
  readonly zeroed: boolean;
  /** Why no layer may obey this mask. */
  readonly unclear?: string;
}

/** What flows between layers: a node's rows. */
export interface Value {
  readonly node: number;
  readonly shape: RowShape;
  readonly mask: MaskTag | undefined;
  /** Row counts that windows of {@link PROBES} steps would give: tells rates apart while the time dimension is open. */
  readonly probes: readonly number[];
  /** Zero rows [before, after] that a ZeroPadding1D wants, still to be taken up by a convolution. */
  readonly padding?: readonly [number, number];
}

/** Window lengths that stand for "any" in shape inference. */
export const PROBES: readonly number[] = [10_000, 10_001, 10_002, 10_003, 10_007, 10_016];

/** State that all layers of one import share. */
export interface ImportSession {
  readonly builder: GraphBuilder;
  readonly weights: WeightStore;
  readonly dialect: Dialect;
  readonly warn: (message: string) => void;
  /** Steps of a window if the input turns out to be a list of tokens; null where they are open. */
  readonly tokenSteps: number | null;
  /** Cells met so far, by the prefix of their names. */
  readonly cellsSeen: Map<string, number>;
}

type DistributiveOmit<Type, Keys extends PropertyKey> = Type extends unknown ? Omit<Type, Keys> : never;
/** A node but for what the context fills in. */
export type NodeBody = DistributiveOmit<GraphNode, "name" | "layerClass" | "inputs" | "shape" | "maskOut" | "maskObey">;

export interface AddOptions {
  readonly suffix?: string;
  readonly shape?: Partial<RowShape>;
  /** How the layer changes the number of rows of a sequence. */
  readonly rows?: (rows: number) => number;
  /** `keep` (rows in, rows out), `drop` (default), or the mask that leaves. */
  readonly mask?: "keep" | "drop" | MaskTag;
  readonly obey?: boolean;
}

/** One call of one layer while it is being lowered to nodes. */
export class LayerContext {
  constructor(
    readonly session: ImportSession,
    readonly config: LayerConfig,
    readonly address: WeightAddress,
    readonly kwargs: JsonObject,
  ) {}

  get dialect(): Dialect {
    return this.session.dialect;
  }

  /** The same layer seen with another config and weights: the layer inside a wrapper, the cell inside an RNN. */
  inner(config: LayerConfig, address: WeightAddress): LayerContext {
    return new LayerContext(this.session, config, address, {});
  }

  /**
   * Adds a node named after the layer. The shape is the input's but for what `options.shape` changes.
   * A mask that ends here is dropped, which is refused where masked rows hold Keras' zeros.
   */
  add(body: NodeBody, inputs: readonly Value[], options: AddOptions = {}): Value {
    const first = inputs[0];
    const shape = { ...first.shape, ...options.shape };
    let { probes } = first;
    if (options.rows !== undefined) {
      probes = probes.map(options.rows);
      if (shape.rows !== null) Object.assign(shape, { rows: options.rows(shape.rows) });
    }
    let mask: MaskTag | undefined;
    const unclear = options.obey === true ? first.mask?.unclear : undefined;
    if (unclear !== undefined) throw this.config.error("OPTION_UNSUPPORTED", `gets a mask ${unclear}`);
    if (options.mask === "keep") mask = first.mask;
    else if (typeof options.mask === "object") mask = options.mask;
    else if (options.obey !== true) for (const input of inputs) this.dropMask(input);
    const node = {
      ...body,
      name: this.config.name + (options.suffix ?? ""),
      layerClass: this.config.className,
      inputs: inputs.map((input) => input.node),
      shape,
      maskOut: mask !== undefined,
      maskObey: options.obey === true && first.mask !== undefined,
    } as GraphNode;
    return { node: this.session.builder.add(node), shape, mask, probes };
  }

  /** The value without its mask, for layers that do not pass masks on. */
  dropMask(value: Value): Value {
    if (value.mask === undefined) return value;
    if (value.mask.zeroed) {
      throw this.config.error(
        "OPTION_UNSUPPORTED",
        "reads rows that a masked recurrent layer sets to zero (zero_output_for_mask, Bidirectional): pass them to layers that obey masks only",
      );
    }
    this.session.warn(`layer ${this.config.name} (${this.config.className}) does not pass the mask of its input on`);
    return { ...value, mask: undefined };
  }

  /** Adds the activation as a node of its own; linear adds nothing. */
  activate(value: Value, activation: Activation | "softmax", suffix: string): Value {
    if (activation === "softmax") return this.add({ op: "softmax" }, [value], { suffix, mask: "keep" });
    if (activation.kind === "linear") return value;
    return this.add({ op: "activation", activation }, [value], { suffix, mask: "keep" });
  }

  /** Refuses vectors; `text` ends a sentence that begins with the layer. */
  requireSequence(value: Value): void {
    if (value.shape.sequence) return;
    const text = `needs a sequence, its input is a vector of ${value.shape.cols}: set return_sequences on the layer before`;
    throw this.config.error("SHAPE_UNSUPPORTED", text);
  }

  /** Number of rows of a window, for layers that mean nothing without one. Throws `WINDOW_NEEDED`. */
  requireRows(value: Value): number {
    if (value.shape.rows !== null) return value.shape.rows;
    const text = "needs a window, the time dimension is open: give the number of steps (window option)";
    throw this.config.error("WINDOW_NEEDED", text);
  }

  /**
   * A weight of this layer.
   * @param order names of all weights the layer has, in the order Keras creates them
   * Throws `WEIGHT_MISSING`, `WEIGHT_SHAPE`, `WEIGHT_NOT_FINITE`.
   */
  weight(order: readonly string[], name: string, shape: readonly number[]): FloatTensor {
    const stored = this.session.weights.find(this.address, order, name);
    if (stored === undefined) {
      const known = this.session.weights.names();
      const list = `${known.slice(0, 6).join(", ")}${known.length > 6 ? ", ..." : ""}`;
      throw this.config.error(
        "WEIGHT_MISSING",
        `has no ${name} [${shape.join(", ")}]; the files hold ${list || "none"}`,
      );
    }
    if (stored.shape.length !== shape.length || stored.shape.some((size, axis) => size !== shape[axis])) {
      const text = `expects ${name} [${shape.join(", ")}], ${stored.name} is [${stored.shape.join(", ")}]`;
      throw this.config.error("WEIGHT_SHAPE", text);
    }
    const bad = stored.data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) {
      const text = `has the weight ${stored.data[bad]} at index ${bad} of ${stored.name}: train it again or use an earlier checkpoint`;
      throw this.config.error("WEIGHT_NOT_FINITE", text);
    }
    return { shape, data: stored.data };
  }

  /** A weight where `present`, else a tensor filled with `value`. */
  weightOr(present: boolean, order: readonly string[], name: string, shape: readonly number[], value = 0): FloatTensor {
    if (present) return this.weight(order, name, shape);
    const size = shape.reduce((product, length) => product * length, 1);
    return { shape, data: new Float32Array(size).fill(value) };
  }

  /** Throws unless the layer got exactly `count` inputs. */
  requireInputs(inputs: readonly Value[], count: number): void {
    if (inputs.length === count) return;
    throw this.config.error("TOPOLOGY_INVALID", `has ${inputs.length} inputs, expected ${count}`);
  }
}

/** A layer class's lowering: adds nodes, returns the value that leaves. */
export type Lowering = (layer: LayerContext, inputs: readonly Value[]) => Value;

/** Refuses an import by layer class. */
export function refuse(config: LayerConfig, hint: string): never {
  throw new ImportError("LAYER_UNSUPPORTED", `layer ${config.name} (${config.className}) is not supported: ${hint}`, {
    layer: config.name,
    layerClass: config.className,
  });
}
