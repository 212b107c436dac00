import type { DenseNode, Graph, GraphNode } from "../../graph/types.js";
import type { Lowering } from "../../lower/lowering.js";
import { isRecurrent } from "../calibrate.js";
import type { SimulatedCell } from "../simulate/recurrent.js";

const LINEAR = { kind: "linear" } as const;

/** The float graph with the weights of a lowered one; a final sigmoid that is left to the host is taken away. */
export function roundedGraph(lowering: Lowering): Graph {
  const { graph, simulated } = lowering;
  const nodes = graph.nodes.map((node, index): GraphNode => {
    const plan = simulated[index];
    if (plan?.cell !== undefined && isRecurrent(node)) return { ...node, ...cellWeights(plan.cell) };
    if (plan?.node === undefined || !("activation" in node)) return withoutHostActivation(lowering.head, index, node);
    return withoutHostActivation(lowering.head, index, { ...plan.node, activation: node.activation } as GraphNode);
  });
  return { ...graph, nodes };
}

/** The node, without its activation where that is a sigmoid which the host computes. */
export function withoutHostActivation(head: Lowering["head"], index: number, node: GraphNode): GraphNode {
  const isHosts = index === head.node && head.transform === "sigmoid" && node.op === "dense";
  return isHosts ? { ...(node as DenseNode), activation: LINEAR } : node;
}

function cellWeights(cell: SimulatedCell) {
  const { input, recurrent, hiddenSize: size, bias, candidateBias, kind } = cell;
  const tensor = (data: ArrayLike<number>, shape: readonly number[]) => ({ shape, data: Float32Array.from(data) });
  const transposed = ({ outputs, inputs, data }: SimulatedCell["input"]) => {
    const result = new Float32Array(data.length);
    for (let o = 0; o < outputs; o++) for (let i = 0; i < inputs; i++) result[i * outputs + o] = data[o * inputs + i];
    return { shape: [inputs, outputs], data: result };
  };
  const recurrentBias = new Float32Array(3 * size);
  if (kind === "gruResetAfter") recurrentBias.set(candidateBias, 2 * size);
  return {
    inputWeights: transposed(input),
    recurrentWeights: transposed(recurrent),
    bias: tensor(bias, [bias.length]),
    ...(kind === "gruResetAfter" ? { recurrentBias: tensor(recurrentBias, [3 * size]) } : {}),
  };
}
