import type { NamedAttrMap, NamedTensorInfoMap, Tensor, Tensor4D, TensorInfo } from "@tensorflow/tfjs";
import type { Tf } from "./load-tf.js";

/** What tfjs gives the kernel of Conv2DBackpropFilter. */
interface FilterAttributes {
  readonly strides: number | readonly [number, number];
  readonly pad: string | number | readonly (readonly [number, number])[];
  readonly filterShape: readonly [number, number, number, number];
}

/**
 * Gives the wasm back end the gradient that it lacks and Conv1D needs: Conv2DBackpropFilter, for images of height 1,
 * made of slices and one matrix product a tap: dW[k] = x[:, k + s t]^T dy. Does nothing where it is there already.
 */
export function addConvolutionGradients(tf: Tf): void {
  const kernelName = "Conv2DBackpropFilter";
  if (tf.getKernel(kernelName, "wasm") !== undefined && tf.getKernel(kernelName, "wasm") !== null) return;
  tf.registerKernel({
    kernelName,
    backendName: "wasm",
    kernelFunc: ({ inputs, attrs }: { inputs: NamedTensorInfoMap; attrs?: NamedAttrMap }): TensorInfo => {
      const { x, dy } = inputs as unknown as { x: Tensor4D; dy: Tensor4D };
      return filterGradient(tf, x, dy, attrs as unknown as FilterAttributes);
    },
  });
}

function filterGradient(tf: Tf, x: Tensor4D, dy: Tensor4D, attributes: FilterAttributes): Tensor {
  const { filterShape, pad } = attributes;
  const [height, taps, inputs, outputs] = filterShape;
  const [batch, rows, steps] = x.shape;
  if (height !== 1 || rows !== 1) {
    throw new Error(`convolution over images of height ${rows} cannot be trained on wasm: use the cpu back end`);
  }
  const stride = typeof attributes.strides === "number" ? attributes.strides : attributes.strides[1];
  const results = dy.shape[2];
  const needed = (results - 1) * stride + taps;
  const before = pad === "same" ? Math.max(0, needed - steps) >> 1 : leftPadding(pad);
  return tf.tidy(() => {
    const flatDy = tf.reshape(asTensor(tf, dy), [batch * results, outputs]);
    const frames = tf.reshape(asTensor(tf, x), [batch, steps, inputs]);
    // Room behind for whole strides, so that every stride-th frame is a slice of a reshaped tensor.
    const length = Math.max(needed, steps + before) + stride;
    const padded = tf.pad(frames, [
      [0, 0],
      [before, length - steps - before],
      [0, 0],
    ]);
    const gradients = Array.from({ length: taps }, (_, tap) => {
      const column =
        stride === 1
          ? padded.slice([0, tap, 0], [batch, results, inputs])
          : tf.stridedSlice(padded, [0, tap, 0], [batch, tap + (results - 1) * stride + 1, inputs], [1, stride, 1]);
      return tf.matMul(tf.reshape(column, [batch * results, inputs]), flatDy, true, false);
    });
    return tf.reshape(tf.stack(gradients), [1, taps, inputs, outputs]);
  });
}

function leftPadding(pad: FilterAttributes["pad"]): number {
  if (typeof pad === "number") return pad;
  return Array.isArray(pad) ? (pad as readonly (readonly [number, number])[])[2][0] : 0;
}

/** Kernels may get bare handles instead of tensors. */
function asTensor(tf: Tf, info: Tensor | TensorInfo): Tensor {
  return "dataSync" in info ? info : tf.engine().makeTensorFromTensorInfo(info);
}
