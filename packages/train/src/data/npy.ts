import { strFromU8, unzipSync } from "fflate";
import { DataError } from "./recordings.js";

/** A numeric array as NumPy stores it, always in C order. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly dtype: NpyDtype;
  readonly data: Int16Array | Int32Array | Uint8Array | Float32Array | Float64Array;
}
export type NpyDtype = keyof typeof READERS;

/** How each supported dtype is read; int64 must fit 2^53 and becomes float64. */
const READERS = {
  "<f4": {
    bytes: 4,
    make: (n: number) => new Float32Array(n),
    get: (v: DataView, at: number) => v.getFloat32(at, true),
  },
  "<f8": {
    bytes: 8,
    make: (n: number) => new Float64Array(n),
    get: (v: DataView, at: number) => v.getFloat64(at, true),
  },
  "<i2": { bytes: 2, make: (n: number) => new Int16Array(n), get: (v: DataView, at: number) => v.getInt16(at, true) },
  "<i4": { bytes: 4, make: (n: number) => new Int32Array(n), get: (v: DataView, at: number) => v.getInt32(at, true) },
  "<i8": {
    bytes: 8,
    make: (n: number) => new Float64Array(n),
    get: (v: DataView, at: number) => Number(v.getBigInt64(at, true)),
  },
  "|u1": { bytes: 1, make: (n: number) => new Uint8Array(n), get: (v: DataView, at: number) => v.getUint8(at) },
  "|i1": { bytes: 1, make: (n: number) => new Int16Array(n), get: (v: DataView, at: number) => v.getInt8(at) },
  "|b1": { bytes: 1, make: (n: number) => new Uint8Array(n), get: (v: DataView, at: number) => v.getUint8(at) },
} as const;

const MAGIC = "\x93NUMPY";

/**
 * Reads one `.npy` array (format versions 1 to 3).
 * @param file name for messages
 * Throws `DATA_UNREADABLE` for anything but little-endian C-order numbers of the dtypes above.
 */
export function readNpy(bytes: Uint8Array, file: string): NpyArray {
  const fail = (why: string): never => {
    throw new DataError("DATA_UNREADABLE", `${file}: ${why}`, { file });
  };
  if (bytes.length < 12 || strFromU8(bytes.subarray(0, 6), true) !== MAGIC) fail("not a .npy file (no NUMPY magic)");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6]!;
  if (version < 1 || version > 3) fail(`.npy version ${version}, supported are 1 to 3`);
  const lengthBytes = version === 1 ? 2 : 4;
  const headerBytes = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const start = 8 + lengthBytes + headerBytes;
  if (start > bytes.length) fail(`header needs ${start} bytes, file has ${bytes.length}`);
  const header = strFromU8(bytes.subarray(8 + lengthBytes, start));
  const dtype = /'descr':\s*'([^']*)'/.exec(header)?.[1] ?? fail("header names no simple dtype");
  if (!(dtype in READERS)) fail(`dtype ${dtype} is not supported, save as ${Object.keys(READERS).join(", ")}`);
  if (/'fortran_order':\s*True/.test(header)) fail("fortran order is not supported, save with numpy.ascontiguousarray");
  const dimensions = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? fail("header names no shape");
  const shape = dimensions
    .split(",")
    .map((text) => text.trim())
    .filter((text) => text !== "")
    .map(Number);
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) fail(`shape (${dimensions}) is not valid`);
  const reader = READERS[dtype as NpyDtype];
  const count = shape.reduce((product, size) => product * size, 1);
  const need = start + count * reader.bytes;
  if (need > bytes.length) fail(`array of shape (${shape.join(", ")}) needs ${need} bytes, file has ${bytes.length}`);
  const data = reader.make(count);
  for (let i = 0; i < count; i++) data[i] = reader.get(view, start + i * reader.bytes);
  return { shape, dtype: dtype as NpyDtype, data };
}

/** Reads every array of an `.npz` archive by its name (without `.npy`). Throws `DATA_UNREADABLE`. */
export function readNpz(bytes: Uint8Array, file: string): Map<string, NpyArray> {
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(bytes);
  } catch (cause) {
    throw new DataError("DATA_UNREADABLE", `${file}: not a readable .npz archive`, { file, cause });
  }
  const arrays = new Map<string, NpyArray>();
  for (const [name, entry] of Object.entries(entries)) {
    if (name.endsWith(".npy")) arrays.set(name.slice(0, -4), readNpy(entry, `${file}/${name}`));
  }
  if (arrays.size === 0) throw new DataError("DATA_UNREADABLE", `${file}: archive holds no .npy array`, { file });
  return arrays;
}
