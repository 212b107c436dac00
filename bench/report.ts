/**
 * `tsx bench/report.ts FILE.json ...` writes docs/BENCHMARKS.md from what `npm run bench -- ... --json FILE.json` measured.
 * Several files may hold different sections; of a figure in two of them the last one counts.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Figure, format, isReached } from "./src/figures.js";

interface Measured {
  readonly machine: string;
  readonly commit: string;
  readonly figures: readonly Figure[];
}

/** Titles by the first part of a figure's id, in the order of the report; `peers` and `runtimes` have tables of their own. */
const SECTIONS: readonly (readonly [prefix: string, title: string])[] = [
  ["bytes", "Model files"],
  ["ram", "Memory of a stream"],
  ["wasm", "Kernels"],
  ["accuracy", "Accuracy after quantization"],
  ["engines", "Equality of our engines"],
  ["importer", "Import: our float executor against the reference"],
  ["convert", "Conversion"],
  ["speed", "Speed against tfjs"],
  ["training", "Training beside tfjs"],
];

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(head), row(head.map(() => "---")), ...rows.map(row)].join("\n");
}

function goalText(figure: Figure): string {
  const reached = isReached(figure);
  if (reached === undefined) return "";
  const limit = figure.goal?.atMost ?? figure.goal?.atLeast ?? 0;
  return `${figure.goal?.atMost === undefined ? ">=" : "<="} ${format(limit)}: ${reached ? "reached" : "**not reached**"}`;
}

const spreadText = ({ spread }: Figure): string => (spread ? `${format(spread[0])} .. ${format(spread[1])}` : "");

const figureRow = (figure: Figure): string[] => [
  figure.note ? `${figure.text} (${figure.note})` : figure.text,
  format(figure.value),
  spreadText(figure),
  figure.unit,
  figure.kind,
  goalText(figure),
];

const FIGURE_HEAD = ["what", "value", "spread", "unit", "kind", "goal"];

function plainSection(title: string, figures: readonly Figure[]): string {
  return `## ${title}\n\n${table(FIGURE_HEAD, figures.map(figureRow))}\n`;
}

const NETS = ["hapt-lstm", "hapt-gru", "hapt-rnn"];
const ratioText = (figure: Figure | undefined): string => {
  if (figure === undefined) return "";
  const [low, high] = figure.spread ?? [figure.value, figure.value];
  const short = isReached(figure) === false ? " **(goal not reached)**" : "";
  return `${format(figure.value)} (${format(low)} .. ${format(high)})${short}`;
};

/** Peers x networks: how many times faster one of our builds is. */
function ratioTable(figures: readonly Figure[], kind: string, build: string): string {
  const start = (net: string) => `peers.${kind}.${net}.gatelet-${build}.`;
  const peers = new Set(
    NETS.flatMap((net) =>
      figures.filter(({ id }) => id.startsWith(start(net))).map(({ id }) => id.slice(start(net).length)),
    ),
  );
  const rows = [...peers].map((peer) => [
    peer,
    ...NETS.map((net) => ratioText(figures.find(({ id }) => id === `${start(net)}${peer}`))),
  ]);
  return table(["peer", ...NETS], rows);
}

function peerSection(figures: readonly Figure[]): string {
  const pick = (prefix: string) => figures.filter(({ id }) => id.startsWith(prefix));
  return `## Beside other engines

Same windows, answers checked against the float reference before anything is timed, both sides in turn. A number is how many times
faster Gatelet is (below 1: slower), the median of the pairs with the smallest and the largest; measured. On a busy machine the spread
is wide and a single elapsed time says little. LiteRT keeps time in its own Python process. onnxruntime's file takes whole
windows only; for single frames its graph is extended in memory by inputs and outputs for the states, which gives the same answers.
tfjs cpu takes pathologically long for a GRU (it splits the recurrent kernel in every step), so that ratio is no achievement.

### Whole windows of 50 frames, SIMD build

${ratioTable(figures, "window", "simd")}

### Whole windows, scalar build

${ratioTable(figures, "window", "scalar")}

### Single frames with kept state, SIMD build

${ratioTable(figures, "frame", "simd")}

### Cold start

Fresh processes, one after another. A request to workerd stands on an open connection; its control sends as many bytes to another fresh
worker, which answers without a model. CPU time is that of all threads: on a busy machine it says more than the elapsed time.

${table(FIGURE_HEAD, pick("peers.cold.").map(figureRow))}

### Bytes

${table(FIGURE_HEAD, pick("peers.bytes.").map(figureRow))}

### Every pair

${table(FIGURE_HEAD, [...pick("peers.window."), ...pick("peers.frame.")].map(figureRow))}
`;
}

function runtimeSection(figures: readonly Figure[]): string {
  const equality = figures.filter(({ unit }) => unit === "windows differ");
  const runtimes = [...new Set(equality.map(({ id }) => id.split(".")[1]))];
  const models = [...new Set(equality.map(({ id }) => id.split(".")[2]))];
  const cell = (runtime: string, model: string): string => {
    const figure = equality.find(({ id }) => id === `runtimes.${runtime}.${model}`);
    if (figure === undefined) return "";
    const windows = /([\d,]+) windows$/.exec(figure.text)?.[1] ?? "?";
    return figure.value === 0 ? `equal, ${windows}` : `**${format(figure.value)} differ** of ${windows}`;
  };
  const versions = runtimes.map((runtime) =>
    (equality.find(({ id }) => id.startsWith(`runtimes.${runtime}.`))?.text ?? runtime).replace(/:.*/, ""),
  );
  const times = figures.filter(({ id }) => id.endsWith(".ms"));
  return `## The same bytes in every runtime

The same \`.gate\` file and the same kernels in each runtime: integers of every window and the state saved in its middle, byte for byte
against Node. All test windows in the SIMD build and a sample of them in the scalar build, except in the column of Node itself, which compares the two
builds with each other. The number is that of compared windows; exact.

${table(
  ["model", ...versions],
  models.map((model) => [model, ...runtimes.map((runtime) => cell(runtime, model))]),
)}

Time of a window, SIMD build, a job of many windows less a job of one (so that loading and transport cancel):

${table(FIGURE_HEAD, times.map(figureRow))}
`;
}

function report(sources: readonly Measured[]): string {
  const byId = new Map(sources.flatMap(({ figures }) => figures.map((figure) => [figure.id, figure] as const)));
  const figures = [...byId.values()];
  const of = (prefix: string) => figures.filter(({ id }) => id.startsWith(`${prefix}.`));
  const measured = [...new Set(sources.map(({ machine, commit }) => `- ${machine}, commit ${commit}`))];
  const parts = [
    `# Benchmarks

Generated by \`bench/report.ts\` from the output of \`npm run bench -- --json\`; do not edit. Measured on:

${measured.join("\n")}

Kinds: **exact** (counted or computed, the same everywhere), **measured** (elapsed time on that machine, which other work shared),
**simulated** (a cycle model), **predicted** (from the file alone). To repeat: \`npm ci --prefix bench\` and
\`pip install ai-edge-litert\` for the peers, \`npm run extras\`, \`pip install wasmtime\` and Chromium for the runtimes, then \`npm run bench -- --json figures.json\` and \`npx tsx bench/report.ts figures.json\`;
a peer that is missing is named and left out.
`,
  ];
  if (of("peers").length > 0) parts.push(peerSection(of("peers")));
  if (of("runtimes").length > 0) parts.push(runtimeSection(of("runtimes")));
  for (const [prefix, title] of SECTIONS) if (of(prefix).length > 0) parts.push(plainSection(title, of(prefix)));
  return parts.join("\n");
}

const files = process.argv.slice(2);
if (files.length === 0) throw new RangeError("no file: tsx bench/report.ts FILE.json ...");
const target = fileURLToPath(new URL("../docs/BENCHMARKS.md", import.meta.url));
const text = report(files.map((file) => JSON.parse(readFileSync(file, "utf8")) as Measured));
writeFileSync(`${target}.part`, text);
renameSync(`${target}.part`, target);
console.log(`docs/BENCHMARKS.md written from ${files.length} ${files.length === 1 ? "file" : "files"}`);
