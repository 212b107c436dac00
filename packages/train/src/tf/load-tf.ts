import { createRequire } from "node:module";
import { dirname } from "node:path";
import type * as tfjs from "@tensorflow/tfjs";
import { RECURRENT_PATHS, type RecurrentPath, useKernels } from "../fused/fused-cell.js";
import { SequenceKernels } from "../fused/kernels.js";
import { TrainError } from "../training/errors.js";
import { addConvolutionGradients } from "./wasm-gradients.js";

export type Tf = typeof tfjs;

/** Back ends that can be asked for; `auto` takes what was installed: node, else webgpu where there is a GPU, else wasm, else cpu. */
export type BackendName = "auto" | "wasm" | "cpu" | "node" | "webgpu";

export interface LoadedTf {
  readonly tf: Tf;
  readonly backend: Exclude<BackendName, "auto">;
  readonly recurrent: RecurrentPath;
  /** One line for the user: which back end, and why, and where recurrent layers compute. */
  readonly choice: string;
}

export interface LoadTfOptions {
  /** Classes of the layers that will be trained: some cannot be trained on every back end. */
  readonly layers?: readonly string[];
  /** Where recurrent layers compute; default: what GATELET_RECURRENT says, else `fused` on the wasm and cpu back ends. */
  readonly recurrent?: RecurrentPath;
  /** How an optional package is found; replaced in tests. */
  readonly load?: (name: string) => Promise<unknown>;
}

const INSTALL = {
  tfjs: "npm install @tensorflow/tfjs @tensorflow/tfjs-backend-wasm",
  wasm: "npm install @tensorflow/tfjs-backend-wasm",
  node: "npm install @tensorflow/tfjs-node",
  webgpu: "npm install @tensorflow/tfjs-backend-webgpu",
} as const;

/** Layers whose gradients tfjs's wasm back end lacks (UnsortedSegmentSum, DepthwiseConv2dNativeBackprop...). */
const WASM_CANNOT_TRAIN: readonly string[] = [
  "Embedding",
  "DepthwiseConv1D",
  "SeparableConv1D",
  "Conv2D",
  "DepthwiseConv2D",
];

export const BACKEND_NAMES: readonly BackendName[] = ["auto", "wasm", "cpu", "node", "webgpu"];

/**
 * Loads tfjs, an optional peer, and sets its back end and the path of recurrent layers (both for the whole process).
 * Throws `BACKEND_MISSING` with the command that installs what is missing, `BACKEND_UNKNOWN` for another name.
 */
export async function loadTf(backend: BackendName = "auto", options: LoadTfOptions = {}): Promise<LoadedTf> {
  const wanted = recurrentPath(options.recurrent);
  const { tf, ...found } = await loadBackend(backend, options);
  const local = found.backend === "wasm" || found.backend === "cpu";
  const recurrent = local ? wanted : "tfjs";
  useKernels(tf, recurrent === "fused" ? await sequenceKernels() : undefined);
  const where = recurrent === "fused" ? "in kernels for whole sequences" : "step by step in tfjs";
  return { tf, ...found, recurrent, choice: `${found.choice}, recurrent layers ${where}` };
}

function recurrentPath(asked: string = process.env["GATELET_RECURRENT"] || "fused"): RecurrentPath {
  const path = RECURRENT_PATHS.find((each) => each === asked);
  if (path !== undefined) return path;
  throw new TrainError("BACKEND_UNKNOWN", `recurrent path ${asked} is not known, choose ${RECURRENT_PATHS.join(", ")}`);
}

let loaded: Promise<SequenceKernels> | undefined;

/** One instance a thread. */
function sequenceKernels(): Promise<SequenceKernels> {
  loaded ??= SequenceKernels.load();
  return loaded;
}

async function loadBackend(backend: BackendName, options: LoadTfOptions): Promise<Omit<LoadedTf, "recurrent">> {
  if (!BACKEND_NAMES.includes(backend)) {
    throw new TrainError("BACKEND_UNKNOWN", `back end ${backend} is not known, choose ${BACKEND_NAMES.join(", ")}`);
  }
  const load = options.load ?? ((name: string) => import(name) as Promise<unknown>);
  if (backend === "node" || backend === "auto") {
    const node = await tryLoad(load, "@tensorflow/tfjs-node");
    if (node !== undefined) return ready(node as Tf, "node", "tfjs-node is installed");
    if (backend === "node") throw missing("tfjs-node", INSTALL.node);
  }
  const tf = (await tryLoad(load, "@tensorflow/tfjs")) as Tf | undefined;
  if (tf === undefined) throw missing("tfjs", INSTALL.tfjs);
  // Tells tfjs not to advertise its native package on standard error.
  tf.env().set("PROD", true);
  if (backend === "webgpu" || (backend === "auto" && hasGpu())) {
    if (await useWebgpu(tf, load)) return ready(tf, "webgpu", "tfjs-backend-webgpu is installed");
    if (backend === "webgpu") throw missing("tfjs-backend-webgpu (or a gpu)", INSTALL.webgpu);
  }
  const hard = options.layers?.find((layer) => WASM_CANNOT_TRAIN.includes(layer));
  if (backend === "wasm" && hard !== undefined) {
    throw new TrainError("BACKEND_MISSING", `tfjs cannot train ${hard} on wasm: use --backend cpu or node`);
  }
  if (backend !== "cpu" && hard === undefined) {
    if (await useWasm(tf, load)) return ready(tf, "wasm", "fastest without native packages");
    if (backend === "wasm") throw missing("tfjs-backend-wasm", INSTALL.wasm);
  }
  await tf.setBackend("cpu");
  const why = hard === undefined ? `wasm is not installed: ${INSTALL.wasm}` : `wasm cannot train ${hard}`;
  return ready(tf, "cpu", backend === "cpu" ? "as asked" : why);
}

function ready(tf: Tf, backend: LoadedTf["backend"], why: string): Omit<LoadedTf, "recurrent"> {
  return { tf, backend, choice: `tfjs ${tf.version_core} on ${backend} (${why})` };
}

function missing(what: string, command: string): TrainError {
  return new TrainError("BACKEND_MISSING", `${what} is not installed: ${command}`);
}

/** The module, or undefined where it is not installed; other failures of loading it pass through. */
async function tryLoad(load: (name: string) => Promise<unknown>, name: string): Promise<unknown> {
  try {
    const found = (await load(name)) as { default?: unknown };
    // CommonJS packages arrive under `default` where their names cannot be told in advance.
    return "tensor" in found || found.default === undefined ? found : found.default;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    if (code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

async function useWasm(tf: Tf, load: (name: string) => Promise<unknown>): Promise<boolean> {
  const name = "@tensorflow/tfjs-backend-wasm";
  const wasm = (await tryLoad(load, name)) as { setWasmPaths(folder: string): void } | undefined;
  if (wasm === undefined) return false;
  if (tf.getBackend() !== "wasm") {
    wasm.setWasmPaths(`${dirname(createRequire(import.meta.url).resolve(name))}/`);
    if (!(await tf.setBackend("wasm"))) return false;
  }
  addConvolutionGradients(tf);
  return true;
}

function hasGpu(): boolean {
  const { navigator } = globalThis as { navigator?: object };
  return navigator !== undefined && "gpu" in navigator;
}

async function useWebgpu(tf: Tf, load: (name: string) => Promise<unknown>): Promise<boolean> {
  if ((await tryLoad(load, "@tensorflow/tfjs-backend-webgpu")) === undefined) return false;
  return tf.setBackend("webgpu").catch(() => false);
}
