import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { WeightBits } from "@gatelet/converter";
import { loadRecordings, readUnpacked } from "../data/load.js";
import { listedWindows } from "../data/windows.js";
import type { RecurrentPath } from "../fused/fused-cell.js";
import { prepareSamples } from "../jobs/job-samples.js";
import { readNormalization } from "../jobs/model-meta.js";
import type { TrainJob } from "../jobs/train-job.js";
import { type PoolOptions, runTrainJobs } from "../jobs/worker-pool.js";
import { writeWhole } from "../training/write-whole.js";
import { averagesOf, type StudyAverage } from "./averages.js";
import { type EntryFigures, type EntryInput, type EntryTools, evaluateEntry } from "./evaluate-entry.js";
import { recommend, recommendOverSets } from "./recommend.js";
import { studyMarkdown } from "./study-markdown.js";

/** Published figures of an architecture, to stand beside ours. */
export interface Published {
  readonly accuracy: number;
  readonly quantizedAccuracy: number;
  readonly f1?: number;
  readonly floatKb: number;
  readonly quantizedKb: number;
  readonly floatMs: number;
  readonly quantizedMs: number;
}

export type Protocol = "honest" | "published";

/** One architecture of a study: trained models that exist, or trainings to run. */
export interface StudyArchitecture {
  readonly name: string;
  /** Data set, in a study of several. */
  readonly set?: string;
  readonly published?: Published;
  /** `published`: trained and tested as the publication did; default: honestly. */
  readonly protocol?: Protocol;
  readonly source:
    | { readonly kind: "trained"; readonly folder: string; readonly split: string; readonly windows: TrainedWindows }
    | { readonly kind: "train"; readonly jobs: readonly TrainJob[] };
}

/** Recordings and the table of windows that trained models were made with. */
export interface TrainedWindows {
  readonly data: string;
  readonly table: string;
  readonly length: number;
}

export interface StudyRequest {
  readonly name: string;
  readonly folder: string;
  readonly architectures: readonly StudyArchitecture[];
  readonly bits: readonly WeightBits[];
  /** Where the recurrent layers of what is trained compute, where it matters. */
  readonly recurrent?: RecurrentPath;
  /** Sentences for the report. */
  readonly notes?: readonly string[];
}

/** One architecture's figures: every seed's, in order. */
export interface StudyRow {
  readonly name: string;
  readonly set?: string;
  readonly split: string;
  readonly protocol?: Protocol;
  readonly published?: Published;
  readonly runs: readonly EntryFigures[];
}

export interface StudyReport {
  readonly name: string;
  readonly rows: readonly StudyRow[];
  /** Mean change of accuracy by quantization over all networks, in points, per bits. */
  readonly meanChange: Readonly<Record<string, number>>;
  /** Over data sets, in a study of several. */
  readonly averages?: readonly StudyAverage[];
  readonly recommendation: string;
  readonly notes?: readonly string[];
}

/**
 * Trains what is not trained yet, converts, scores, compares. Everything finished is kept in the folder: called again
 * after a crash it goes on, and the table is the same.
 * Writes `study.json` and `study.md`.
 */
export async function runStudy(
  request: StudyRequest,
  { tools, pool }: { readonly tools: EntryTools; readonly pool: PoolOptions },
): Promise<StudyReport> {
  await mkdir(join(request.folder, "rows"), { recursive: true });
  const path = request.recurrent === undefined ? {} : { recurrent: request.recurrent };
  const placed = request.architectures.flatMap((architecture) =>
    architecture.source.kind === "train"
      ? architecture.source.jobs.map((job) => ({
          job: { ...job, ...path },
          folder: join(request.folder, runName(architecture, job)),
        }))
      : [],
  );
  await runTrainJobs(placed, pool);
  const rows: StudyRow[] = [];
  for (const architecture of request.architectures) {
    const { name, set, source, published, protocol } = architecture;
    const runs: EntryFigures[] = [];
    const members =
      source.kind === "trained"
        ? [{ key: name, model: source.folder, job: undefined }]
        : source.jobs.map((job) => {
            const key = runName(architecture, job);
            return { key, model: join(request.folder, key, "best"), job };
          });
    for (const { key, model, job } of members) {
      runs.push(
        await remembered(join(request.folder, "rows", `${key}.json`), { model, bits: request.bits, job }, async () => {
          const prepared =
            source.kind === "trained"
              ? await prepareTrained(source, model)
              : await prepareForModel(job as TrainJob, model);
          return evaluateEntry({ name: key, model, ...prepared, bits: request.bits }, tools);
        }),
      );
    }
    const split =
      source.kind === "trained" ? source.split : (source.jobs[0].data.windowTable?.column ?? source.jobs[0].data.split);
    rows.push({
      name,
      ...(set === undefined ? {} : { set }),
      split,
      ...(protocol === undefined ? {} : { protocol }),
      ...(published === undefined ? {} : { published }),
      runs,
    });
  }
  const meanChange = Object.fromEntries(request.bits.map((bits) => [`int${bits}`, meanChangeOf(rows, bits)]));
  const averages = averagesOf(rows);
  const recommendation = averages.length === 0 ? recommend(rows) : recommendOverSets(averages);
  const overSets = averages.length === 0 ? {} : { averages };
  const report = { name: request.name, rows, meanChange, ...overSets, recommendation, ...notesOf(request) };
  await writeWhole(join(request.folder, "study.json"), `${JSON.stringify(report, null, 1)}\n`);
  await writeWhole(join(request.folder, "study.md"), studyMarkdown(report));
  return report;
}

const notesOf = ({ notes }: StudyRequest) => (notes === undefined ? {} : { notes });

/** Name of one training of an architecture: its folder, its row. */
function runName({ name, set, protocol }: StudyArchitecture, { seed, data }: TrainJob): string {
  const full = `${set === undefined ? "" : `${set}-`}${name}${protocol === "published" ? "-published" : ""}`;
  return `${full}-seed${seed}${data.fold === undefined ? "" : `-fold${data.fold.index + 1}of${data.fold.count}`}`;
}

type Prepared = Pick<EntryInput, "windows" | "train" | "test" | "normalization">;

/** Mean over all networks of what quantization changes in accuracy, in points. */
function meanChangeOf(rows: readonly StudyRow[], bits: WeightBits): number {
  const changes = rows.flatMap(({ runs }) =>
    runs.flatMap(({ floatAccuracy, quantized }) =>
      quantized.filter((each) => each.bits === bits).map((each) => 100 * (each.accuracy - floatAccuracy)),
    ),
  );
  return changes.reduce((sum, change) => sum + change, 0) / changes.length;
}

/** The windows a job trained and tested with, and the normalization that was saved with its model. */
async function prepareForModel(job: TrainJob, model: string): Promise<Prepared> {
  const { windows, indices } = await prepareSamples(job);
  return { windows, train: indices.train, test: indices.test, normalization: await readNormalization(model) };
}

async function prepareTrained(
  { split, windows: { data, table, length } }: StudyArchitecture["source"] & { kind: "trained" },
  model: string,
): Promise<Prepared> {
  const text = new TextDecoder().decode(await readUnpacked(table));
  const windows = listedWindows(await loadRecordings(data), text, table, length, split);
  const normalization = await readNormalization(model);
  const all = Uint32Array.from(windows.windows, (_, i) => i);
  return {
    windows,
    train: all.filter((index) => windows.windows[index].split === "train"),
    test: all.filter((index) => windows.windows[index].split === "test"),
    normalization,
  };
}

/** The result in `path` where it belongs to `input`; else computes and keeps it. */
async function remembered<Result>(path: string, input: unknown, compute: () => Promise<Result>): Promise<Result> {
  const key = JSON.stringify(input);
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text !== undefined) {
    const found = JSON.parse(text) as { key: string; result: Result };
    if (found.key === key) return found.result;
  }
  const result = await compute();
  await writeWhole(path, JSON.stringify({ key, result }));
  return result;
}
