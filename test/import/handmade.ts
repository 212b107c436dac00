import {
  FloatExecutor,
  type Graph,
  ImportError,
  type ImportOptions,
  importModel,
  memorySource,
} from "@gatelet/converter";
import { makeRandom } from "./random.js";

/** A tensor of a model put together by hand. */
export interface NamedShape {
  readonly name: string;
  readonly shape: readonly number[];
}

export interface LayerJson {
  readonly class_name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly inbound_nodes?: unknown;
  readonly name?: string;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Values that depend on the position in the list only, so that renamed models compute the same. */
export function randomWeights(tensors: readonly NamedShape[]): Float32Array[] {
  return tensors.map(({ shape }, index) => {
    const random = makeRandom(100 + index);
    return Float32Array.from({ length: sizeOf(shape) }, () => 0.7 * random());
  });
}

export function concatBytes(parts: readonly ArrayBufferView[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += part.byteLength;
  }
  return all;
}

export function sequentialTopology(layers: readonly LayerJson[]): Record<string, unknown> {
  return { class_name: "Sequential", config: { name: "handmade", layers } };
}

/** A `model.json` with one shard. */
export function modelFiles(
  topology: unknown,
  tensors: readonly NamedShape[],
  weights = randomWeights(tensors),
  rest: Record<string, unknown> = {},
): Record<string, Uint8Array | string> {
  const entries = tensors.map(({ name, shape }) => ({ name, shape, dtype: "float32" }));
  const weightsManifest = [{ paths: ["group1-shard1of1"], weights: entries }];
  return {
    "model.json": JSON.stringify({ modelTopology: topology, weightsManifest, ...rest }),
    "group1-shard1of1": concatBytes(weights),
  };
}

export function importFiles(files: Record<string, Uint8Array | string>, options?: ImportOptions): Promise<Graph> {
  return importModel(memorySource("model.json", files), options);
}

/** Imports and runs one window. */
export async function runFiles(
  files: Record<string, Uint8Array | string>,
  window: Float32Array,
): Promise<Float32Array> {
  return new FloatExecutor(await importFiles(files)).run(window);
}

export function randomWindow(size: number, seed = 9): Float32Array {
  const random = makeRandom(seed);
  return Float32Array.from({ length: size }, () => 1.5 * random());
}

/** The ImportError that `action` ends with; fails the test if it does not. */
export async function importError(action: Promise<unknown>): Promise<ImportError> {
  try {
    await action;
  } catch (error) {
    if (error instanceof ImportError) return error;
    throw error;
  }
  throw new Error("expected an ImportError, the import succeeded");
}
