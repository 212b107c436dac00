import type { Graph, GraphNode } from "./types.js";

type Mutable<Node> = { -readonly [Key in keyof Node]: Node[Key] };
type Distribute<Node> = Node extends GraphNode ? Mutable<Node> : never;
/** A node while the graph grows. */
export type GrowingNode = Distribute<GraphNode>;

/** Makes graphs: nodes are added in topological order, names are kept unique. */
export class GraphBuilder {
  readonly nodes: GrowingNode[] = [];
  readonly #names = new Set<string>();

  /** Adds a node and returns its index. Cost: a copy of the record, tensors are shared. */
  add(node: GraphNode): number {
    for (const input of node.inputs) {
      if (input < 0 || input >= this.nodes.length) throw new RangeError(`node ${node.name} has the input ${input}`);
    }
    let name = node.name;
    for (let copy = 2; this.#names.has(name); copy++) name = `${node.name}#${copy}`;
    this.#names.add(name);
    return this.nodes.push({ ...node, name } as GrowingNode) - 1;
  }

  /** The finished graph: nodes that do not reach `output` are gone, mask flags stay only where some node obeys them. */
  finish(output: number, rest: Pick<Graph, "name" | "window" | "stateful" | "provenance">): Graph {
    return pruneGraph({ ...rest, nodes: this.nodes as GraphNode[], output });
  }
}

/**
 * Drops what has no effect: nodes the output does not depend on, flags that no node obeys, mask nodes that only flag.
 * The input node stays in any case.
 */
export function pruneGraph(graph: Graph): Graph {
  const { nodes } = graph;
  const used = new Uint8Array(nodes.length);
  const flagged = new Uint8Array(nodes.length);
  used[0] = 1;
  used[graph.output] = 1;
  for (let index = nodes.length - 1; index >= 0; index--) {
    const node = nodes[index];
    if (used[index] === 0) continue;
    const wantsMask = node.maskObey === true || (flagged[index] === 1 && passesMask(node));
    for (const input of node.inputs) {
      used[input] = 1;
      if (wantsMask) flagged[input] = 1;
    }
  }
  const place = new Int32Array(nodes.length);
  const kept: GraphNode[] = [];
  nodes.forEach((node, index) => {
    if (used[index] === 0) return;
    if (node.op === "mask" && !node.zero && flagged[index] === 0) {
      place[index] = place[node.inputs[0]];
      return;
    }
    const inputs = node.inputs.map((input) => place[input]);
    const maskOut = node.maskOut === true && flagged[index] === 1;
    place[index] = kept.push({ ...node, inputs, maskOut, maskObey: node.maskObey === true }) - 1;
  });
  return { ...graph, nodes: kept, output: place[graph.output] };
}

function passesMask(node: GraphNode): boolean {
  return node.op !== "mask" && node.op !== "embedding" && node.maskOut === true;
}
