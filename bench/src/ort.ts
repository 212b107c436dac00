import { importBench } from "./optional.js";

export interface OrtTensor {
  readonly data: Float32Array;
}
export type Feeds = Record<string, OrtTensor>;
export interface Ort {
  readonly Tensor: new (type: "float32", data: Float32Array, shape: readonly number[]) => OrtTensor;
  readonly InferenceSession: {
    create(file: Uint8Array, options: object): Promise<{ run(feeds: Feeds): Promise<Feeds>; release(): Promise<void> }>;
  };
  readonly env: { readonly wasm: { numThreads: number } };
}

export const ORT_OPTIONS = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: "sequential" };
/** The engine within each package. */
export const ORT_ENGINES = {
  "onnxruntime-node": "bin/napi-v6/linux/x64/libonnxruntime.so.1",
  "onnxruntime-web": "dist/ort-wasm-simd-threaded.wasm",
} as const;
export type OrtName = keyof typeof ORT_ENGINES;

export async function importOrt(name: OrtName) {
  const found = await importBench<Ort>(name);
  if (found !== undefined && name === "onnxruntime-web") found.exports.env.wasm.numThreads = 1;
  return found;
}
