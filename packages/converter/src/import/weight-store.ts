import { ImportError } from "./errors.js";

/** A tensor as the model's files hold it. */
export interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Where a layer's weights may be found; one model file uses one of these forms. */
export interface WeightAddress {
  /** Name paths to try, best first, e.g. `["bidirectional", "forward_lstm"]`, then `["forward_lstm"]`. */
  readonly paths: readonly (readonly string[])[];
  /** Path of the layer's group in the weight file of a `.keras` archive, e.g. `["layers", "lstm", "cell"]`. */
  readonly stores: readonly (readonly string[])[];
  /** For weights that live in a cell: what the cell's name begins with, e.g. `lstm_cell`. */
  readonly cell?: string;
  /** Position among the model's layers of that kind, for files that name weights after the cell alone. */
  readonly cellOrdinal?: number;
}

export interface WeightStore {
  /**
   * @param order names of all weights of the layer in the order Keras creates them, for files that number them
   * @param name one of `order`
   * @returns undefined where the files hold no such tensor
   */
  find(address: WeightAddress, order: readonly string[], name: string): StoredTensor | undefined;
  /** Names of all tensors, for error messages. */
  names(): readonly string[];
}

interface Candidate {
  readonly tensor: StoredTensor;
  /** Tokens between the root and the weight itself. */
  readonly scope: readonly string[];
  readonly leaf: string;
}

/** `lstm_cell_12` is cell 12 of the name `lstm_cell`; undefined where the token is none. */
function cellNumber(token: string | undefined, cell: string): number | undefined {
  if (token === undefined || !token.startsWith(cell)) return undefined;
  const rest = token.slice(cell.length);
  if (rest === "") return 0;
  return /^_\d+$/.test(rest) ? Number(rest.slice(1)) : undefined;
}

/** Number of tokens before `path` if `scope` ends with it, else undefined. An empty path fits an empty scope only. */
function tokensBefore(scope: readonly string[], path: readonly string[]): number | undefined {
  const before = scope.length - path.length;
  if (before < 0 || (path.length === 0 && before > 0)) return undefined;
  return path.every((token, index) => scope[before + index] === token) ? before : undefined;
}

/**
 * Weights known by slash-separated names, as tfjs manifests and Keras `.h5` files hold them. Finds `lstm/kernel`,
 * `lstm/lstm_cell/kernel`, `sequential/lstm/kernel`, `dense/0`, and, by order, `lstm_cell_3/kernel`.
 */
export class NamedWeights implements WeightStore {
  readonly #candidates: readonly Candidate[];

  constructor(tensors: Iterable<StoredTensor>) {
    this.#candidates = [...tensors].map((tensor) => {
      const tokens = tensor.name.replace(/:\d+$/, "").split("/");
      const leaf = tokens.pop() ?? "";
      if (tokens.at(-1) === "vars") tokens.pop();
      return { tensor, scope: tokens, leaf };
    });
  }

  names(): readonly string[] {
    return this.#candidates.map((candidate) => candidate.tensor.name);
  }

  find(address: WeightAddress, order: readonly string[], name: string): StoredTensor | undefined {
    const number = String(order.indexOf(name));
    const named = this.#candidates.filter((candidate) => candidate.leaf === name || candidate.leaf === number);
    for (const path of address.paths) {
      const found = nearest(named, path, address.cell);
      if (found !== undefined) return found;
    }
    return address.cell === undefined ? undefined : this.#byCellOrder(named, address.cell, address.cellOrdinal ?? 0);
  }

  /** Files that name weights after their cells alone: the n-th cell belongs to the n-th layer of that kind. */
  #byCellOrder(named: readonly Candidate[], cell: string, ordinal: number): StoredTensor | undefined {
    const cells = named
      .map((candidate) => ({ candidate, number: cellNumber(candidate.scope.at(-1), cell) }))
      .filter((entry) => entry.number !== undefined && entry.candidate.scope.length <= 2)
      .sort((a, b) => (a.number ?? 0) - (b.number ?? 0));
    return cells[ordinal]?.candidate.tensor;
  }
}

/** The candidate whose scope ends with `path` (then perhaps a cell) and has the fewest tokens before it. */
function nearest(
  candidates: readonly Candidate[],
  path: readonly string[],
  cell: string | undefined,
): StoredTensor | undefined {
  let best: Candidate | undefined;
  let bestBefore = Number.POSITIVE_INFINITY;
  let rivals: string[] = [];
  for (const candidate of candidates) {
    const { scope } = candidate;
    let before = tokensBefore(scope, path);
    if (before === undefined && cell !== undefined && /(^|_)(cell|cells)(_\d+)?$/i.test(scope.at(-1) ?? "")) {
      before = tokensBefore(scope.slice(0, -1), path);
    }
    if (before === undefined || before > bestBefore) continue;
    if (before < bestBefore) rivals = [];
    best = candidate;
    bestBefore = before;
    rivals.push(candidate.tensor.name);
  }
  if (rivals.length > 1) {
    throw new ImportError("WEIGHT_AMBIGUOUS", `weights ${rivals.join(" and ")} both fit layer ${path.join("/")}`);
  }
  return best?.tensor;
}
