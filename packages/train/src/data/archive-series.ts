import { DataError, type RecordedSequence, type Recordings, type Split } from "./recordings.js";

/** One file of an archive, as text, and which part of the data set it is. */
export interface SeriesFile {
  readonly name: string;
  readonly text: string;
  readonly split?: Split;
}

/** A series as it stands in the file: values of each dimension, and the label's text. */
interface Series {
  readonly dimensions: readonly Float32Array[];
  readonly label: string | undefined;
  readonly line: number;
}

/**
 * Recordings from files of the UEA and UCR archives: `.ts`, and `.arff` (plain or with one relational attribute). A file's
 * class names come from its header; series may differ in length. Give the files of all parts together.
 * Throws {@link DataError} naming file and line.
 */
export function archiveRecordings(files: readonly SeriesFile[]): Recordings {
  const parsed = files.map((file) => (/\.arff$/i.test(file.name) ? parseArff(file) : parseTs(file)));
  const classes = parsed[0].classes;
  const channels = parsed[0].series[0]?.dimensions.length ?? 0;
  const sequences = files.flatMap((file, part) =>
    parsed[part].series.map((series, i) => toSequence(file, series, i, classes, channels)),
  );
  if (sequences.length === 0) throw new DataError("DATA_TOO_SHORT", `${files[0].name}: no series`);
  return {
    name: files[0].name.replace(/(_TRAIN|_TEST)?\.(ts|arff)$/i, ""),
    channels,
    featureNames: Array.from({ length: channels }, (_, i) => `x${i}`),
    units: new Array<string>(channels).fill(""),
    rawScale: new Array<number>(channels).fill(1),
    sequences,
    classes,
    ...(sequences.some(({ samples }) => samples.includes(MISSING)) ? { missing: MISSING } : {}),
  };
}

/** Stands for `?`: no measured value is that large, and it is exact in 32 bits. */
const MISSING = -(2 ** 100);

interface Parsed {
  readonly classes: readonly string[];
  readonly series: readonly Series[];
}

interface Place {
  readonly file: string;
  readonly line: number;
}

/** Calls `onHeader` with the lines in front of `@data` and `onSeries` with those behind it; comments are left out. */
function readLines(
  { name, text }: SeriesFile,
  comment: string,
  onHeader: (line: string, place: Place) => void,
  onSeries: (line: string, place: Place) => void,
): void {
  let inData = false;
  text.split(/\r?\n/).forEach((raw, index) => {
    const line = raw.trim();
    const place = { file: name, line: index + 1 };
    if (line === "" || line.startsWith(comment)) return;
    if (inData) onSeries(line, place);
    else if (/^@data\b/i.test(line)) inData = true;
    else onHeader(line, place);
  });
  if (!inData) throw new DataError("DATA_FORM_UNKNOWN", `${name}: no @data line`, { file: name });
}

function parseTs(file: SeriesFile): Parsed {
  let classes: string[] = [];
  const series: Series[] = [];
  const isTrue = (text: string | undefined) => text?.toLowerCase() === "true";
  const onHeader = (line: string, place: Place) => {
    const [key, ...rest] = line.split(/\s+/);
    const refuse = (what: string) =>
      new DataError("DATA_FORM_UNKNOWN", `${place.file}:${place.line}: series with ${what}`, place);
    if (/^@classlabel$/i.test(key)) classes = isTrue(rest[0]) ? rest.slice(1) : [];
    else if (/^@timestamps$/i.test(key) && isTrue(rest[0])) throw refuse("time stamps are not read");
    else if (/^@targetlabel$/i.test(key) && isTrue(rest[0])) {
      throw refuse("a number to predict are not read, only classes (@classLabel)");
    }
  };
  readLines(file, "#", onHeader, (line, place) => {
    const parts = line.split(":");
    const label = classes.length > 0 ? parts.pop()?.trim() : undefined;
    series.push({ dimensions: parts.map((part) => numbers(part, place)), label, line: place.line });
  });
  return { classes, series };
}

function parseArff(file: SeriesFile): Parsed {
  let classes: string[] = [];
  const series: Series[] = [];
  const onHeader = (line: string) => {
    const list = /^@attribute\s+\S+\s*\{(.*)\}/i.exec(line);
    if (list !== null) classes = list[1].split(",").map((label) => unquoted(label));
  };
  readLines(file, "%", onHeader, (line, place) => {
    const relational = /^(['"])(.*)\1\s*,\s*(.+)$/.exec(line);
    const comma = line.lastIndexOf(",");
    const [body, label] =
      relational === null ? [line.slice(0, comma), line.slice(comma + 1)] : [relational[2], relational[3]];
    const dimensions = body.split("\\n").map((part) => numbers(part, place));
    series.push({ dimensions, label: unquoted(label), line: place.line });
  });
  return { classes, series };
}

const unquoted = (text: string) => text.trim().replace(/^(['"])(.*)\1$/, "$2");

function numbers(text: string, place: Place): Float32Array {
  return Float32Array.from(text.split(","), (cell) => {
    const trimmed = cell.trim();
    if (trimmed === "?" || /^nan$/i.test(trimmed)) return MISSING;
    const value = Number(trimmed);
    if (trimmed !== "" && Number.isFinite(value)) return value;
    throw new DataError(
      "DATA_NOT_A_NUMBER",
      `${place.file}:${place.line}: "${trimmed.slice(0, 30)}" is not a number`,
      place,
    );
  });
}

function toSequence(
  file: SeriesFile,
  { dimensions, label, line }: Series,
  index: number,
  classes: readonly string[],
  channels: number,
): RecordedSequence {
  const place = { file: file.name, line };
  const [first] = dimensions;
  if (first === undefined) {
    const message = `${file.name}:${line}: no ":" between values and class: the line or the file is cut off`;
    throw new DataError("DATA_SHAPE", message, place);
  }
  const uneven = dimensions.find((values) => values.length !== first.length);
  if (dimensions.length !== channels || uneven !== undefined) {
    const found =
      uneven === undefined
        ? `${dimensions.length} dimensions`
        : `dimensions of ${first.length} and ${uneven.length} values`;
    throw new DataError("DATA_SHAPE", `${file.name}:${line}: ${found}, expected ${channels} of equal length`, place);
  }
  const samples = new Float32Array(first.length * channels);
  dimensions.forEach((values, channel) => {
    values.forEach((value, frame) => {
      samples[frame * channels + channel] = value;
    });
  });
  const id = label === undefined ? -1 : classes.indexOf(label);
  if (label !== undefined && id < 0) {
    const known = classes.length === 0 ? "the classes: the header lists none" : classes.join(", ");
    const message = `${file.name}:${line}: class ${label.slice(0, 30)} is not among ${known}`;
    throw new DataError("DATA_LABEL_UNKNOWN", message, place);
  }
  return {
    name: `${file.name}/${index}`,
    length: first.length,
    samples,
    ...(label === undefined ? {} : { labels: id }),
    ...(file.split === undefined ? {} : { split: file.split }),
  };
}
