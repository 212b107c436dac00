import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** A generated recording with one label. */
export interface GeneratedSeries {
  /** Row-major, physical. */
  readonly values: readonly number[];
  readonly label: number;
  readonly split?: "train" | "test";
  readonly subject?: string;
}

/** Writes series as a data set folder: `meta.json`, `index.csv` and one packed binary file, of counts where a scale is given. */
export async function writeSeriesFolder(
  folder: string,
  { channels, classes, series, scale }: SeriesFolder,
): Promise<void> {
  const name = folder.split("/").at(-1) as string;
  const dtype = scale === undefined ? "float32" : "int16";
  const file = scale === undefined ? "series.f32.gz" : "series.i16.gz";
  const all = series.flatMap(({ values }) => values);
  const binary =
    scale === undefined ? Float32Array.from(all) : Int16Array.from(all, (value) => Math.round(value / scale));
  const meta = {
    name,
    kind: "series",
    dtype,
    file,
    channels: Array.from({ length: channels }, (_, i) => ({ name: `x${i}`, unit: null, scale: scale ?? 1 })),
    classes: Object.fromEntries(classes.map((label, id) => [id, label])),
    index: "index.csv",
  };
  const lines = ["series,label,subject,split,offset,length"];
  let offset = 0;
  series.forEach(({ values, label, split = "", subject = `${lines.length}` }, i) => {
    const length = values.length / channels;
    lines.push([i, label, subject, split, offset, length].join(","));
    offset += length;
  });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "meta.json"), JSON.stringify(meta));
  await writeFile(join(folder, "index.csv"), lines.join("\n"));
  await writeFile(join(folder, file), gzipSync(new Uint8Array(binary.buffer)));
}

export interface SeriesFolder {
  readonly channels: number;
  readonly classes: readonly string[];
  readonly series: readonly GeneratedSeries[];
  /** Physical value of a count; absent: floats are stored. */
  readonly scale?: number;
}
