import { DataError } from "./recordings.js";

/** The part of a data set's `meta.json` that reading needs. */
export interface FolderMeta {
  readonly name: string;
  /** `stream`: one long recording (or sessions in `experiments`); `series`: see `index`; `windows`: of equal length. */
  readonly kind: "stream" | "series" | "windows";
  readonly rate_hz?: number | null;
  readonly dtype: "int16" | "float32";
  readonly file: string;
  readonly channels: readonly { readonly name: string; readonly unit: string | null; readonly scale: number }[];
  readonly classes?: Readonly<Record<string, string>>;
  readonly unlabelled?: number;
  readonly missing?: number;
  readonly index?: string;
  readonly experiments?: string;
  readonly labels?: string;
  readonly label_index_base?: number;
  readonly label_end_inclusive?: boolean;
  readonly windows?: number | string;
  readonly window_length?: number;
  readonly window_end_inclusive?: boolean;
  readonly anomaly_end_inclusive?: boolean;
}

/** Parses and checks `meta.json`. Throws `DATA_UNREADABLE` or `DATA_FORM_UNKNOWN` naming the field and its value. */
export function parseFolderMeta(text: string, file: string): FolderMeta {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (cause) {
    throw new DataError("DATA_UNREADABLE", `${file}: not valid json`, { file, cause });
  }
  if (typeof found !== "object" || found === null) {
    throw new DataError("DATA_FORM_UNKNOWN", `${file}: expected a json object`, { file });
  }
  const meta = found as Partial<FolderMeta>;
  const fail = (field: string, expected: string): never => {
    const value = JSON.stringify((meta as Record<string, unknown>)[field]) ?? "missing";
    throw new DataError("DATA_FORM_UNKNOWN", `${file}: "${field}" is ${value.slice(0, 60)}, expected ${expected}`, {
      file,
    });
  };
  if (typeof meta.name !== "string") fail("name", "a name");
  if (meta.kind !== "stream" && meta.kind !== "series" && meta.kind !== "windows")
    fail("kind", "stream, series or windows");
  if (meta.dtype !== "int16" && meta.dtype !== "float32") fail("dtype", "int16 or float32");
  if (typeof meta.file !== "string") fail("file", "the name of the binary file");
  const { channels } = meta;
  if (!Array.isArray(channels) || channels.length === 0) fail("channels", "a list of channels");
  for (const channel of channels as FolderMeta["channels"]) {
    const valid =
      typeof channel?.name === "string" && typeof channel.scale === "number" && Number.isFinite(channel.scale);
    if (!valid) fail("channels", "a name and a finite scale in each");
  }
  return meta as FolderMeta;
}

/** Class names by class id; ids without a name are called by their number, id `unlabelled` "unlabelled". */
export function classNames(meta: FolderMeta): string[] {
  const names: string[] = [];
  for (const [id, name] of Object.entries(meta.classes ?? {})) names[Number(id)] = name;
  if (meta.unlabelled !== undefined) names[meta.unlabelled] ??= "unlabelled";
  return Array.from(names, (name, id) => name ?? `${id}`);
}
