export { type CsvOptions, csvRecordings } from "./data/csv-recordings.js";
export { folderRecordings, type ReadFolderFile } from "./data/folder-recordings.js";
export { loadRecordings, readUnpacked } from "./data/load.js";
export { type NpyArray, readNpy, readNpz } from "./data/npy.js";
export { npyRecordings, npzRecordings } from "./data/npy-recordings.js";
export { generatePump, PUMP_CLASSES, PUMP_G_PER_COUNT, PUMP_RATE_HZ, type PumpOptions } from "./data/pump.js";
export { createRandom, type Random, shuffledIndices } from "./data/random.js";
export {
  DataError,
  type DataErrorCode,
  labelAt,
  onlySplit,
  physicalValue,
  type RecordedSequence,
  type Recordings,
  type Split,
} from "./data/recordings.js";
export { channelAsTarget, channelIndex, fillMissing, selectChannels } from "./data/transforms.js";
export {
  cutWindows,
  listedWindows,
  sampleWindows,
  type WindowOptions,
  type WindowRef,
  type WindowSet,
  windowSamples,
  windowsOfSplit,
} from "./data/windows.js";
export { argMax, type ClassScore, ConfusionMatrix } from "./metrics/classification.js";
export { RegressionError } from "./metrics/regression.js";
