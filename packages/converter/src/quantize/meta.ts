import type { ModelMeta } from "../format/spec.js";
import type { Graph } from "../graph/types.js";
import type { Lowering } from "../lower/lowering.js";
import type { LayerReport, QuantizeOptions } from "./options.js";

/** Few digits: a file is often smaller than a careless description of it. */
const short = (value: number, digits = 6): number => Number(value.toPrecision(digits));
const shortList = (values: readonly number[], digits = 7): number[] => values.map((value) => short(value, digits));

/** META of a quantized model: the caller's entries, input encoding and layers; undefined where it is to have none. */
export function metaOf(
  graph: Graph,
  lowering: Lowering,
  layers: readonly LayerReport[],
  options: QuantizeOptions,
): ModelMeta | undefined {
  const { encoding } = lowering.options;
  if (options.meta === false) return undefined;
  const meta: ModelMeta = { name: graph.name, ...options.meta, ...lowering.inputMeta };
  if (encoding !== undefined) {
    meta.inputScale = shortList(encoding.scale);
    if (encoding.offset.some((value) => value !== 0)) meta.inputOffset = shortList(encoding.offset);
    if (encoding.mean.some((value) => value !== 0) || encoding.std.some((value) => value !== 1)) {
      meta.normalization = { mean: shortList(encoding.mean), std: shortList(encoding.std) };
    }
  }
  meta.layers = layers.map(({ name, layerClass, record, scale, sqnrDb }) => ({
    name,
    class: layerClass,
    record,
    scale: short(scale, 5),
    ...(sqnrDb === undefined ? {} : { sqnrDb: short(sqnrDb, 3) }),
  }));
  meta.provenance = options.meta?.provenance ?? graph.provenance;
  return meta;
}
