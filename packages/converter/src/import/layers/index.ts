import type { Lowering } from "../layer-context.js";
import {
  lowerActivation,
  lowerElu,
  lowerLeakyRelu,
  lowerPrelu,
  lowerRelu,
  lowerSoftmax,
  lowerThresholdedRelu,
} from "./activation.js";
import { lowerConv1D, lowerDepthwiseConv1D, lowerSeparableConv1D, lowerZeroPadding } from "./convolution.js";
import { lowerDense, lowerTimeDistributed } from "./dense.js";
import { lowerEmbedding, lowerMasking } from "./masking.js";
import { lowerMerge } from "./merge.js";
import {
  lowerBatchNormalization,
  lowerLayerNormalization,
  lowerNormalization,
  lowerRescaling,
} from "./normalization.js";
import { lowerAveragePooling, lowerGlobalAverage, lowerGlobalMax, lowerMaxPooling } from "./pooling.js";
import { lowerBidirectional, lowerRecurrent } from "./recurrent.js";
import { lowerFlatten, lowerNothing, lowerPermute, lowerRepeat, lowerReshape } from "./shape.js";

const LOWERINGS: Readonly<Record<string, Lowering>> = {
  SimpleRNN: lowerRecurrent,
  LSTM: lowerRecurrent,
  GRU: lowerRecurrent,
  GateletGRU: lowerRecurrent,
  MinimalGRU: lowerRecurrent,
  FastGRNN: lowerRecurrent,
  RNN: lowerRecurrent,
  Bidirectional: lowerBidirectional,
  Dense: lowerDense,
  TimeDistributed: lowerTimeDistributed,
  Conv1D: lowerConv1D,
  Convolution1D: lowerConv1D,
  DepthwiseConv1D: lowerDepthwiseConv1D,
  SeparableConv1D: lowerSeparableConv1D,
  SeparableConvolution1D: lowerSeparableConv1D,
  MaxPooling1D: lowerMaxPooling,
  MaxPool1D: lowerMaxPooling,
  AveragePooling1D: lowerAveragePooling,
  AvgPool1D: lowerAveragePooling,
  GlobalMaxPooling1D: lowerGlobalMax,
  GlobalMaxPool1D: lowerGlobalMax,
  GlobalAveragePooling1D: lowerGlobalAverage,
  GlobalAvgPool1D: lowerGlobalAverage,
  BatchNormalization: lowerBatchNormalization,
  BatchNormalizationV1: lowerBatchNormalization,
  BatchNormalizationV2: lowerBatchNormalization,
  LayerNormalization: lowerLayerNormalization,
  Normalization: lowerNormalization,
  Rescaling: lowerRescaling,
  Activation: lowerActivation,
  ReLU: lowerRelu,
  LeakyReLU: lowerLeakyRelu,
  PReLU: lowerPrelu,
  ELU: lowerElu,
  Softmax: lowerSoftmax,
  ThresholdedReLU: lowerThresholdedRelu,
  Flatten: lowerFlatten,
  Reshape: lowerReshape,
  Permute: lowerPermute,
  RepeatVector: lowerRepeat,
  Dropout: lowerNothing,
  SpatialDropout1D: lowerNothing,
  GaussianNoise: lowerNothing,
  GaussianDropout: lowerNothing,
  AlphaDropout: lowerNothing,
  ActivityRegularization: lowerNothing,
  Identity: lowerNothing,
  Embedding: lowerEmbedding,
  Masking: lowerMasking,
  ZeroPadding1D: lowerZeroPadding,
  Add: lowerMerge,
  Concatenate: lowerMerge,
  Average: lowerMerge,
  Maximum: lowerMerge,
  Minimum: lowerMerge,
  Multiply: lowerMerge,
  Subtract: lowerMerge,
};

/** How a layer of this class becomes nodes; undefined for classes that are not supported. */
export function lowererOf(className: string): Lowering | undefined {
  return Object.hasOwn(LOWERINGS, className) ? LOWERINGS[className] : undefined;
}

/** What to do instead of a layer class that is known and not run. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /^(Separable|Depthwise)?Conv(olution)?[23]D|Pooling[23]D|^Conv[123]DTranspose|^(UpSampling|ZeroPadding|Cropping)[23]D/,
    "sequences have one axis besides their channels: use Conv1D and 1D pooling",
  ],
  [/ConvLSTM/, "use Conv1D before an LSTM"],
  [/Attention|^Dot$/, "attention is not run: use a recurrent layer or global pooling"],
  [/^TFOpLambda|^TensorFlowOpLayer|^SlicingOpLambda|^Lambda$/, "build the model from layers instead of operations"],
  [/^CuDNN/, "save the model with LSTM or GRU layers (load its weights into them)"],
  [/^(UpSampling|Cropping)1D$|^Conv1DTranspose$/, "resize the sequences before the model"],
  [/^(LocallyConnected1D|Masked)/, "use Conv1D"],
  [
    /^(StringLookup|IntegerLookup|TextVectorization|Hashing|Discretization|CategoryEncoding)$/,
    "feed the model with what this layer gives",
  ],
];

/** What to do about a class without a lowering; undefined where the class is not known at all. */
export function hintFor(className: string): string | undefined {
  return HINTS.find(([pattern]) => pattern.test(className))?.[1];
}

/** All classes that are run, for error messages. */
export const SUPPORTED_CLASSES: readonly string[] = Object.keys(LOWERINGS);
