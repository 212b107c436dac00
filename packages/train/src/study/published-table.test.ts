import { describe, expect, it } from "vitest";
import type { EntryFigures } from "./evaluate-entry.js";
import { haptStudy } from "./hapt-study.js";
import { PROTOCOL_GUESSES, publishedTable } from "./published-table.js";
import type { StudyReport, StudyRow } from "./run-study.js";
import { studyMarkdown } from "./study-markdown.js";

const published = {
  accuracy: 98.5,
  quantizedAccuracy: 98.35,
  floatKb: 427.55,
  quantizedKb: 152.16,
  floatMs: 3.076,
  quantizedMs: 2.928,
};

function figures(floatAccuracy: number, accuracy: number, recorded?: EntryFigures["recorded"]): EntryFigures {
  const quantized = { bits: 8, accuracy, macroF1: 0.5, agreement: 1, gateBytes: 2048, ramBytes: 100 } as const;
  const floats = { parameters: 1024, floatBytes: 4096, testWindows: 200, floatAccuracy, floatMacroF1: 0.5 };
  return { ...floats, ...(recorded === undefined ? {} : { recorded }), quantized: [quantized] };
}

const report = (rows: readonly StudyRow[]): StudyReport => ({
  name: "hapt",
  rows,
  meanChange: { int8: 0 },
  recommendation: "none",
});

describe("the table beside the published figures", () => {
  const repeated: StudyRow = {
    name: "hapt-gru",
    split: "random",
    protocol: "published",
    published,
    // Of 100 made-up windows 99 are right, of 100 recorded ones 89.
    runs: [figures(0.94, 0.935, { windows: 100, floatAccuracy: 0.89 })],
  };
  const honest: StudyRow = { name: "hapt-gru", split: "subject", published, runs: [figures(0.84, 0.845)] };

  it("divides the gap into made-up windows and neighbours", () => {
    const { head, lines } = publishedTable(report([repeated, honest]));
    expect(Object.fromEntries(head.map((name, i) => [name, lines[0][i]]))).toMatchObject({
      "its protocol repeated: float / int8": "94.00 / 93.50",
      "made-up windows: share, right": "50.00, 99.00",
      "recorded windows": "89.00",
      "ours: float / int8": "84.00 / 84.50",
      split: "subject",
      "flattery: made-up + neighbours": "+5.00 +5.00",
      "ours float / int8": "4.00 / 2.00",
    });
    const text = studyMarkdown(report([repeated, honest]));
    expect(text).toContain("| random + smote |");
    for (const guess of PROTOCOL_GUESSES) expect(text).toContain(`- ${guess}`);
  });

  it("leaves open what was not run", () => {
    const cells = (row: StudyRow) => publishedTable(report([row])).lines[0];
    expect(cells(honest).slice(2, 8)).toEqual(["-", "-", "-", "84.00 / 84.50", "subject", "-"]);
    const { published: _, ...unpublished } = repeated;
    expect(cells(unpublished).slice(0, 3)).toEqual(["hapt-gru", "-", "94.00 / 93.50"]);
    expect(cells(repeated).slice(2, 8)).toEqual(["94.00 / 93.50", "50.00, 99.00", "89.00", "-", "-", "-"]);
  });
});

describe("the study under both protocols", () => {
  it("trains the same networks on the same budget twice, and says that it was short", () => {
    const options = {
      folder: "out",
      data: "hapt",
      models: "models",
      seeds: 0,
      limit: 3000,
      testLimit: 2000,
      bits: [8],
    } as const;
    const { architectures, notes } = haptStudy({ ...options, protocol: "both" });
    expect(architectures.map(({ name, protocol }) => `${name} ${protocol}`)).toEqual([
      "hapt-rnn published",
      "hapt-lstm published",
      "hapt-gru published",
      "hapt-rnn undefined",
      "hapt-lstm undefined",
      "hapt-gru undefined",
    ]);
    const jobs = architectures.flatMap(({ source }) => (source.kind === "train" ? source.jobs : []));
    expect(jobs).toHaveLength(6);
    expect(jobs.map(({ data }) => data.smoteFrames === true)).toEqual([true, true, true, false, false, false]);
    expect(jobs.map(({ data }) => data.split)).toEqual(["random", "random", "random", "subject", "subject", "subject"]);
    const budget = { epochs: 12, batchSize: 128, learningRate: 0.001, schedule: "cosine" };
    for (const { limit, testLimit, training } of jobs)
      expect({ limit, testLimit, training }).toEqual({ limit: 3000, testLimit: 2000, training: budget });
    expect(notes?.[0]).toMatch(/^A short run: what is trained here saw 3,000 windows in 12 epochs/);
    expect(haptStudy({ ...options, limit: undefined, testLimit: undefined }).notes).toBeUndefined();
  });

  it("has small nets of the cells asked for", () => {
    const { architectures } = haptStudy({
      folder: "out",
      data: "hapt",
      seeds: 1,
      bits: [8],
      cells: ["mgu", "fastgrnn"],
      units: 16,
    });
    expect(architectures.slice(3).map(({ name }) => name)).toEqual(["mgu16", "fastgrnn16"]);
  });
});
