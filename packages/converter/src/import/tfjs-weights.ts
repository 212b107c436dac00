import { ImportError } from "./errors.js";
import { asArray, asObject, type JsonObject } from "./json.js";
import { besideEntry, type ModelSource } from "./source.js";
import type { StoredTensor } from "./weight-store.js";

const BYTES_PER_VALUE: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  uint8: 1,
  uint16: 2,
  float16: 2,
  bool: 1,
};

interface ManifestEntry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly storedAs: string;
  readonly scale: number;
  readonly min: number;
}

function readEntry(value: unknown): ManifestEntry {
  const entry = asObject(value, "entry of weightsManifest.weights");
  const name = String(entry["name"]);
  const dtype = typeof entry["dtype"] === "string" ? entry["dtype"] : "float32";
  const shape = asArray(entry["shape"], `shape of weight ${name}`).map(Number);
  if (!shape.every((size) => Number.isInteger(size) && size >= 0)) {
    throw new ImportError("TOPOLOGY_INVALID", `weight ${name} has the shape [${shape.join(", ")}]`);
  }
  const quantization =
    entry["quantization"] === undefined ? undefined : asObject(entry["quantization"], "quantization");
  const storedAs = quantization === undefined ? dtype : String(quantization["dtype"]);
  if (!Object.hasOwn(BYTES_PER_VALUE, storedAs)) {
    const supported = Object.keys(BYTES_PER_VALUE).join(", ");
    throw new ImportError("WEIGHT_DTYPE", `weight ${name} is stored as ${storedAs}, supported are ${supported}`);
  }
  return { name, shape, dtype, storedAs, ...affine(quantization, storedAs, name) };
}

function affine(quantization: JsonObject | undefined, storedAs: string, name: string): { scale: number; min: number } {
  if (quantization === undefined || storedAs === "float16") return { scale: 1, min: 0 };
  const scale = Number(quantization["scale"]);
  const min = Number(quantization["min"]);
  if (!Number.isFinite(scale) || !Number.isFinite(min)) {
    throw new ImportError("TOPOLOGY_INVALID", `weight ${name} is quantized on disk but has no finite scale and min`);
  }
  return { scale, min };
}

/** IEEE binary16 to a number. */
export function halfToFloat(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Decodes one tensor; the order of operations is that of tfjs (float32 of q * scale + min). */
function decode(entry: ManifestEntry, bytes: Uint8Array, at: number, count: number): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, count * BYTES_PER_VALUE[entry.storedAs]);
  const quantized = entry.storedAs !== entry.dtype || entry.scale !== 1 || entry.min !== 0;
  const read: Readonly<Record<string, (index: number) => number>> = {
    float32: (index) => view.getFloat32(4 * index, true),
    int32: (index) => view.getInt32(4 * index, true),
    uint16: (index) => view.getUint16(2 * index, true),
    uint8: (index) => view.getUint8(index),
    bool: (index) => view.getUint8(index),
    float16: (index) => halfToFloat(view.getUint16(2 * index, true)),
  };
  const raw = read[entry.storedAs];
  const values = new Float32Array(count);
  for (let index = 0; index < count; index++) {
    const value = quantized ? raw(index) * entry.scale + entry.min : raw(index);
    values[index] = entry.dtype === "int32" ? Math.round(value) : value;
  }
  return values;
}

async function readShards(source: ModelSource, paths: readonly string[]): Promise<Uint8Array> {
  const shards: Uint8Array[] = [];
  for (const path of paths) {
    const file = besideEntry(source, path);
    shards.push(
      await source.read(file).catch((cause: unknown) => {
        const message = `weight shard ${path} is missing: copy it beside ${source.entry}`;
        throw new ImportError("SHARD_MISSING", message, { cause });
      }),
    );
  }
  if (shards.length === 1) return shards[0];
  const all = new Uint8Array(shards.reduce((sum, shard) => sum + shard.length, 0));
  let at = 0;
  for (const shard of shards) {
    all.set(shard, at);
    at += shard.length;
  }
  return all;
}

/**
 * Reads every tensor a tfjs `weightsManifest` names: groups of tensors, each group's bytes spread over its shards,
 * little-endian, in the order of the manifest, with or without quantization on disk.
 * Throws `SHARD_MISSING`, `SHARD_TRUNCATED` (also where bytes are left over), `WEIGHT_DTYPE`, `TOPOLOGY_INVALID`.
 */
export async function readManifestWeights(source: ModelSource, manifest: unknown): Promise<Map<string, StoredTensor>> {
  const tensors = new Map<string, StoredTensor>();
  for (const value of asArray(manifest, "weightsManifest")) {
    const group = asObject(value, "group of weightsManifest");
    const paths = asArray(group["paths"], "paths of weightsManifest").map(String);
    const entries = asArray(group["weights"], "weights of weightsManifest").map(readEntry);
    const bytes = await readShards(source, paths);
    let at = 0;
    for (const entry of entries) {
      const count = entry.shape.reduce((product, size) => product * size, 1);
      const end = at + count * BYTES_PER_VALUE[entry.storedAs];
      if (end > bytes.length) {
        throw new ImportError(
          "SHARD_TRUNCATED",
          `weight ${entry.name} ends at byte ${end} of ${paths.join(" + ")}, which hold ${bytes.length} bytes`,
        );
      }
      if (tensors.has(entry.name)) {
        throw new ImportError("WEIGHT_AMBIGUOUS", `weightsManifest holds ${entry.name} twice`);
      }
      tensors.set(entry.name, { name: entry.name, shape: entry.shape, data: decode(entry, bytes, at, count) });
      at = end;
    }
    if (at !== bytes.length) {
      throw new ImportError(
        "SHARD_TRUNCATED",
        `${paths.join(" + ")} hold ${bytes.length} bytes, their weights take ${at}: the manifest belongs to other shards`,
      );
    }
  }
  return tensors;
}
