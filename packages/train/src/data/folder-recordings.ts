import { classNames, type FolderMeta, parseFolderMeta } from "./folder-meta.js";
import { FolderTable } from "./folder-tables.js";
import { DataError, type RecordedSequence, type Recordings, type Split } from "./recordings.js";

/** Reads a file of the folder, unpacked where its name ends in `.gz`; rejects where there is none. */
export type ReadFolderFile = (name: string) => Promise<Uint8Array>;

const META_FILE = "meta.json";

/**
 * Recordings from a data set folder: `meta.json`, one binary file (`.i16.gz`, `.f32.gz`) and small tables that say which
 * frames belong to which sequence, label, person and split.
 * Labels come from `index.csv` (one a sequence), from `labels.csv` with `experiments.csv` (segments of sessions), or from
 * marked anomalies (classes `normal`, `anomaly`). A series whose first `train_length` frames are for training becomes two
 * sequences. Throws {@link DataError} naming file and value.
 */
export async function folderRecordings(read: ReadFolderFile, folder: string): Promise<Recordings> {
  const decoder = new TextDecoder();
  const text = async (name: string) => decoder.decode(await read(name));
  const meta = parseFolderMeta(await text(META_FILE), `${folder}/${META_FILE}`);
  const samples = toSamples(await read(meta.file), meta, `${folder}/${meta.file}`);
  const table = async (name: string) => new FolderTable(await text(name), `${folder}/${name}`);
  const source: FolderSource = { meta, samples, frames: samples.length / meta.channels.length };
  let sequences: RecordedSequence[];
  let classes = classNames(meta);
  if (meta.experiments !== undefined && meta.labels !== undefined) {
    sequences = sessions(source, await table(meta.experiments), await table(meta.labels));
  } else if (meta.index !== undefined) {
    const index = await table(meta.index);
    sequences = series(source, index);
    const marked = typeof meta.windows === "string" ? await table(meta.windows) : undefined;
    if (marked !== undefined) sequences = markAnomalies(sequences, marked, meta.window_end_inclusive ?? false);
    if (index.column("anomaly_start") !== undefined) sequences = splitAtAnomaly(source, sequences, index);
    if (marked !== undefined || index.column("anomaly_start") !== undefined) classes = ["normal", "anomaly"];
  } else {
    sequences = [{ name: meta.name, length: source.frames, samples }];
  }
  return {
    name: meta.name,
    channels: meta.channels.length,
    ...(meta.rate_hz ? { rateHz: meta.rate_hz } : {}),
    featureNames: meta.channels.map((channel) => channel.name),
    units: meta.channels.map((channel) => channel.unit ?? ""),
    rawScale: meta.channels.map((channel) => channel.scale),
    sequences,
    classes,
    ...(meta.unlabelled === undefined ? {} : { unlabelled: meta.unlabelled }),
    ...(meta.missing === undefined ? {} : { missing: meta.missing }),
  };
}

interface FolderSource {
  readonly meta: FolderMeta;
  readonly samples: Int16Array | Float32Array;
  readonly frames: number;
}

function toSamples(bytes: Uint8Array, meta: FolderMeta, file: string): Int16Array | Float32Array {
  const valueBytes = meta.dtype === "int16" ? 2 : 4;
  const frameBytes = valueBytes * meta.channels.length;
  if (bytes.length === 0 || bytes.length % frameBytes !== 0) {
    const message = `${file}: ${bytes.length} bytes are not a whole number of frames of ${frameBytes} bytes`;
    throw new DataError("DATA_SHAPE", message, { file });
  }
  const copy = new Uint8Array(bytes).buffer; // not slice(): that of a Node Buffer shares its pool
  if (meta.dtype === "int16") return new Int16Array(copy);
  const samples = new Float32Array(copy);
  const bad = samples.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return samples;
  const frame = Math.floor(bad / meta.channels.length);
  const channel = meta.channels[bad % meta.channels.length]!.name;
  const message = `${file}: frame ${frame}, channel ${channel}: value is ${samples[bad]}, expected a finite number`;
  throw new DataError("DATA_NOT_A_NUMBER", message, { file, column: channel });
}

/** Cuts frames [offset, offset + length) out; throws `DATA_SHAPE` where the file is shorter. */
function cut(source: FolderSource, table: FolderTable, row: number, offset: number, length: number) {
  if (offset + length > source.frames || length === 0) {
    const message = `${table.file}:${row + 2}: frames ${offset} .. ${offset + length - 1} of ${source.frames}`;
    throw new DataError("DATA_SHAPE", message, { file: table.file, line: row + 2 });
  }
  const channels = source.meta.channels.length;
  return source.samples.subarray(offset * channels, (offset + length) * channels);
}

function splitOf(table: FolderTable, row: number): { split?: Split } {
  const split = table.text(row, "split");
  if (split === "train" || split === "test") return { split };
  if (split === "") return {};
  const message = `${table.file}:${row + 2}: split is "${split}", expected train or test`;
  throw new DataError("DATA_LABEL_UNKNOWN", message, { file: table.file, line: row + 2, column: "split" });
}

/** Sequences of `index.csv`: `offset` and `length` (or `frames`), or windows of equal length one after another. */
function series(source: FolderSource, index: FolderTable): RecordedSequence[] {
  const { meta } = source;
  const classIds = new Map(Object.entries(meta.classes ?? {}).map(([id, name]) => [name, Number(id)]));
  const nameColumn = index.columns[0]!;
  const labelColumn = index.column("label", "gesture", "class");
  const groupColumn = index.column("subject", "person", "user", "speaker", "station", "group");
  const lengthColumn = index.column("length", "frames") ?? "length";
  return index.rows.map((_, row): RecordedSequence => {
    const equal = meta.kind === "windows" ? meta.window_length : undefined;
    const length = equal ?? index.integer(row, lengthColumn);
    const offset = equal === undefined ? index.integer(row, "offset") : row * equal;
    const label = labelColumn === undefined ? undefined : classIds.get(index.text(row, labelColumn));
    return {
      name: index.text(row, nameColumn),
      length,
      offset,
      samples: cut(source, index, row, offset, length),
      ...(labelColumn === undefined ? {} : { labels: label ?? knownClass(index, row, labelColumn, meta) }),
      ...(groupColumn === undefined ? {} : { group: index.text(row, groupColumn) }),
      ...splitOf(index, row),
    };
  });
}

function knownClass(table: FolderTable, row: number, column: string, meta: FolderMeta): number {
  const id = table.integer(row, column);
  if (meta.classes?.[`${id}`] !== undefined || id === meta.unlabelled) return id;
  const message = `${table.file}:${row + 2}: column ${column}: ${id} is no class of meta.json`;
  throw new DataError("DATA_LABEL_UNKNOWN", message, { file: table.file, line: row + 2, column });
}

/** Sessions with labelled segments; frames outside all segments keep the class id `unlabelled` (0 unless said). */
function sessions(source: FolderSource, experiments: FolderTable, labels: FolderTable): RecordedSequence[] {
  const { meta } = source;
  const base = meta.label_index_base ?? 0;
  const last = meta.label_end_inclusive === true ? 1 : 0;
  const rowByName = new Map(experiments.rows.map((_, row) => [experiments.text(row, "experiment"), row]));
  const frameLabels = experiments.rows.map((_, row) =>
    new Uint16Array(experiments.integer(row, "length")).fill(meta.unlabelled ?? 0),
  );
  for (let i = 0; i < labels.rows.length; i++) {
    const session = frameLabels[rowByName.get(labels.text(i, "experiment")) ?? -1];
    const start = labels.integer(i, "start") - base;
    const end = labels.integer(i, "end") - base + last;
    if (session === undefined || start < 0 || end > session.length || start >= end) {
      const message = `${labels.file}:${i + 2}: segment ${start} .. ${end - 1} lies in no session of ${experiments.file}`;
      throw new DataError("DATA_SHAPE", message, { file: labels.file, line: i + 2 });
    }
    session.fill(knownClass(labels, i, "activity", meta), start, end);
  }
  return experiments.rows.map((_, row) => ({
    name: experiments.text(row, "experiment"),
    length: experiments.integer(row, "length"),
    offset: experiments.integer(row, "offset"),
    samples: cut(source, experiments, row, experiments.integer(row, "offset"), experiments.integer(row, "length")),
    labels: frameLabels[row]!,
    group: experiments.text(row, "user"),
    ...splitOf(experiments, row),
  }));
}

function markAnomalies(sequences: RecordedSequence[], windows: FolderTable, inclusive: boolean): RecordedSequence[] {
  const labels = new Map(sequences.map((sequence) => [sequence.name, new Uint16Array(sequence.length)]));
  for (let i = 0; i < windows.rows.length; i++) {
    const frames = labels.get(windows.text(i, "series"));
    const start = windows.integer(i, "start");
    const end = windows.integer(i, "end") + (inclusive ? 1 : 0);
    if (frames === undefined || end > frames.length || start >= end) {
      const message = `${windows.file}:${i + 2}: window ${start} .. ${end - 1} lies in no series`;
      throw new DataError("DATA_SHAPE", message, { file: windows.file, line: i + 2 });
    }
    frames.fill(1, start, end);
  }
  return sequences.map((sequence) => ({ ...sequence, labels: labels.get(sequence.name)! }));
}

/** Series with one anomaly: the first `train_length` frames become a sequence for training, the rest one for tests. */
function splitAtAnomaly(source: FolderSource, sequences: RecordedSequence[], index: FolderTable): RecordedSequence[] {
  const inclusive = source.meta.anomaly_end_inclusive === true ? 1 : 0;
  return sequences.flatMap((sequence, row) => {
    const labels = new Uint16Array(sequence.length);
    labels.fill(1, index.integer(row, "anomaly_start"), index.integer(row, "anomaly_end") + inclusive);
    const at = index.integer(row, "train_length");
    const part = (split: Split, start: number, end: number): RecordedSequence => ({
      name: `${sequence.name}/${split}`,
      length: end - start,
      offset: (sequence.offset ?? 0) + start,
      samples: sequence.samples.subarray(start * source.meta.channels.length, end * source.meta.channels.length),
      labels: labels.subarray(start, end),
      group: sequence.name,
      split,
    });
    return [part("train", 0, at), part("test", at, sequence.length)];
  });
}
