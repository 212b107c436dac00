import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { curvePlot } from "./curve-plot.js";
import { writePlot } from "./plot-files.js";
import { writeWhole } from "./write-whole.js";

/** What happened in one epoch; a line of `metrics.jsonl`. */
export interface EpochMetrics {
  /** From 1. */
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy?: number;
  readonly validationLoss?: number;
  readonly validationAccuracy?: number;
  readonly validationF1?: number;
  readonly learningRate: number;
  readonly seconds: number;
}

/** Files of one run: `config.json`, `metrics.jsonl`, `checkpoint.bin`, `best/`, `curves.svg`, `curves.png`. */
export class RunFolder {
  constructor(readonly path: string) {}

  get checkpointPath(): string {
    return join(this.path, "checkpoint.bin");
  }

  get bestPath(): string {
    return join(this.path, "best");
  }

  async begin(config: object): Promise<void> {
    await mkdir(this.path, { recursive: true });
    await writeWhole(join(this.path, "config.json"), `${JSON.stringify(config, null, 1)}\n`);
  }

  /** Lines of the first `epochs` epochs; what a crash left behind them is cut off. */
  async keepMetrics(epochs: number): Promise<EpochMetrics[]> {
    const path = join(this.path, "metrics.jsonl");
    const text = epochs === 0 ? "" : await readFile(path, "utf8");
    const lines = text.split("\n").filter((line) => line !== "");
    const kept = lines.slice(0, epochs);
    await writeWhole(path, kept.map((line) => `${line}\n`).join(""));
    return kept.map((line) => JSON.parse(line) as EpochMetrics);
  }

  async addMetrics(metrics: EpochMetrics): Promise<void> {
    await appendFile(join(this.path, "metrics.jsonl"), `${JSON.stringify(metrics)}\n`);
  }

  async plot(history: readonly EpochMetrics[], bestEpoch: number): Promise<void> {
    await writePlot(this.path, "curves", curvePlot(history, bestEpoch));
  }
}
