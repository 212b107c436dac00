import { parentPort, workerData } from "node:worker_threads";
import { runTrainJob } from "./train-job.js";
import type { PlacedJob, WorkerMessage } from "./worker-pool.js";

// The body of a training thread: one job, then it ends.
const tell = (message: WorkerMessage) => parentPort?.postMessage(message);
const { job, folder } = workerData as PlacedJob;
try {
  const result = await runTrainJob(job, folder, {
    onProgress: (progress) => tell({ kind: "progress", progress }),
    onNote: (text) => tell({ kind: "note", text }),
  });
  tell({ kind: "done", result });
} catch (error) {
  const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
  const message = error instanceof Error ? error.message : String(error);
  tell({ kind: "failed", message, ...(code === undefined ? {} : { code }) });
}
