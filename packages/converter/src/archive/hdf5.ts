import { Dataset, File, Group } from "./jsfive.js";

/** A group of an HDF5 file that holds other groups and numeric tensors. */
export interface Hdf5Group {
  /** Names of the members, in the file's order. */
  readonly keys: readonly string[];
  /** An attribute, undefined where there is none or its type cannot be read. */
  attribute(name: string): unknown;
  group(name: string): Hdf5Group | undefined;
  tensor(name: string): Hdf5Tensor | undefined;
}

export interface Hdf5Tensor {
  readonly shape: readonly number[];
  /** Type as jsfive spells it, e.g. `<f4`. */
  readonly dtype: string;
  read(): Float32Array;
}

/** Opens an HDF5 file. Throws what jsfive throws on files it cannot read. */
export function openHdf5(bytes: Uint8Array): Hdf5Group {
  // Not slice(): that of a Node Buffer shares its pool.
  const { buffer } = new Uint8Array(bytes);
  return wrap(new File(buffer));
}

function wrap(group: Group): Hdf5Group {
  const member = (name: string) => (group.keys.includes(name) ? group.get(name) : undefined);
  return {
    keys: group.keys,
    attribute: (name) => {
      try {
        return group.attrs[name];
      } catch {
        return undefined;
      }
    },
    group: (name) => {
      const found = member(name);
      return found instanceof Group ? wrap(found) : undefined;
    },
    tensor: (name) => {
      const found = member(name);
      if (!(found instanceof Dataset)) return undefined;
      const { shape, dtype } = found;
      return { shape, dtype: String(dtype), read: () => readValues(found, name) };
    },
  };
}

function readValues(dataset: Dataset, name: string): Float32Array {
  const { value } = dataset;
  const count = dataset.shape.reduce((product, size) => product * size, 1);
  if ((Array.isArray(value) || ArrayBuffer.isView(value)) && (value as ArrayLike<unknown>).length === count) {
    return Float32Array.from(value as ArrayLike<number>, Number);
  }
  throw new Error(`data set ${name} does not hold its ${count} values`);
}
