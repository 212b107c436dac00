import type { ModelSpec } from "./format/spec.js";
import { foldGraph } from "./graph/index.js";
import type { Graph } from "./graph/types.js";
import { type ImportOptions, importModel, type ModelSource } from "./import/index.js";
import type { QuantizeOptions, QuantizeReport } from "./quantize/options.js";
import { quantize } from "./quantize/quantize.js";

export interface ConvertOptions extends Omit<QuantizeOptions, "inputNormalization"> {
  /** Steps of a window; replaces what the model file says. */
  readonly window?: number;
  /** True: a stream model, which never ends; false: a window model. */
  readonly stream?: boolean;
}

export interface ConvertedModel {
  /** The `.gate` file. */
  readonly bytes: Uint8Array;
  /** What it was encoded from. */
  readonly spec: ModelSpec;
  readonly report: QuantizeReport;
  /** The float graph as imported: what `FloatExecutor` runs to compare with. */
  readonly graph: Graph;
}

/**
 * From a trained model to a `.gate` file: import, fold, calibrate, quantize, encode.
 * @param model a source of the model's files (`folderSource`, `memorySource`), or a graph already imported
 * @throws ImportError, CalibrationError, QuantizeError, BudgetError; the reason of `options.signal` where it is aborted
 */
export async function convert(model: ModelSource | Graph, options: ConvertOptions = {}): Promise<ConvertedModel> {
  const notes: string[] = [];
  const graph = "nodes" in model ? model : await importModel(model, importOptions(options, notes));
  const folded = foldGraph(graph);
  const { bytes, spec, report } = await quantize(folded.graph, {
    ...options,
    inputNormalization: folded.inputNormalization,
  });
  return { bytes, spec, report: { ...report, warnings: [...notes, ...report.warnings] }, graph };
}

function importOptions({ window, stream }: ConvertOptions, notes: string[]): ImportOptions {
  return {
    ...(window === undefined ? {} : { window }),
    ...(stream === undefined ? {} : { stream }),
    warn: (message) => notes.push(message),
  };
}
