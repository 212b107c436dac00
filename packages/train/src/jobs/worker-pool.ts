import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { TrainProgress } from "../training/train-options.js";
import { type JobHooks, runTrainJob, type TrainJob, type TrainJobResult } from "./train-job.js";

/** A training and the folder it fills. */
export interface PlacedJob {
  readonly job: TrainJob;
  readonly folder: string;
}

export interface PoolOptions {
  /** Trainings at the same time, each in a thread; 1: in this one. */
  readonly workers: number;
  readonly onProgress?: (index: number, progress: TrainProgress) => void;
  readonly onDone?: (index: number, result: TrainJobResult) => void;
  readonly onNote?: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** What a worker tells. */
export type WorkerMessage =
  | { readonly kind: "progress"; readonly progress: TrainProgress }
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "done"; readonly result: TrainJobResult }
  | { readonly kind: "failed"; readonly message: string; readonly code?: string };

const WORKER = new URL("./train-worker.js", import.meta.url);

/**
 * Runs independent trainings, some at a time; results in the order of the jobs. The first failure ends all of them (what
 * they have finished stays in their folders).
 */
export async function runTrainJobs(jobs: readonly PlacedJob[], options: PoolOptions): Promise<TrainJobResult[]> {
  const results: TrainJobResult[] = [];
  const threads = options.workers > 1 && existsSync(fileURLToPath(WORKER));
  const stop = new AbortController();
  const signal = options.signal === undefined ? stop.signal : AbortSignal.any([options.signal, stop.signal]);
  let next = 0;
  const work = async () => {
    while (next < jobs.length) {
      const index = next++;
      signal.throwIfAborted();
      const hooks: JobHooks = {
        onProgress: (progress) => options.onProgress?.(index, progress),
        onNote: (text) => options.onNote?.(text),
        signal,
      };
      const { job, folder } = jobs[index];
      results[index] = threads ? await inThread(jobs[index], hooks) : await runTrainJob(job, folder, hooks);
      options.onDone?.(index, results[index]);
    }
  };
  const count = threads ? Math.min(options.workers, jobs.length) : 1;
  await Promise.all(
    Array.from({ length: count }, () =>
      work().catch((error: unknown) => {
        stop.abort(error);
        throw error;
      }),
    ),
  );
  return results;
}

function inThread(placed: PlacedJob, hooks: JobHooks): Promise<TrainJobResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(WORKER, { workerData: placed });
    const abort = () => void worker.terminate().then(() => reject(hooks.signal?.reason));
    hooks.signal?.addEventListener("abort", abort, { once: true });
    worker.on("message", (message: WorkerMessage) => {
      if (message.kind === "progress") hooks.onProgress?.(message.progress);
      else if (message.kind === "note") hooks.onNote?.(message.text);
      else if (message.kind === "done") resolve(message.result);
      else reject(Object.assign(new Error(message.message), message.code === undefined ? {} : { code: message.code }));
    });
    worker.on("error", reject);
    worker.on("exit", (code) => {
      hooks.signal?.removeEventListener("abort", abort);
      reject(new Error(`training thread of ${placed.folder} ended with code ${code}`));
    });
  });
}
