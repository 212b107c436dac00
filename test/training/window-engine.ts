import { Model } from "@gatelet/kernels";
import type { LoadInteger } from "@gatelet/train";

/** The WebAssembly engine, window by window, as studies and `shrink` want it. */
export const windowEngine: LoadInteger = async (gate) => {
  const model = await Model.load(gate);
  return {
    window: (counts) => {
      model.reset();
      return model.run(counts).outputs;
    },
  };
};
