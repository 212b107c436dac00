export { archiveRecordings, type SeriesFile } from "./data/archive-series.js";
export { type AugmentOptions, createAugment, mixUp } from "./data/augment.js";
export { type Balance, balanceSet, classWeights } from "./data/balance.js";
export { type CsvOptions, csvRecordings } from "./data/csv-recordings.js";
export { folderRecordings, type ReadFolderFile } from "./data/folder-recordings.js";
export { continuousSet, type FrameLabelOptions, frameTargets, streamSet } from "./data/frame-labels.js";
export { GLOVE_CHANNELS, GLOVE_FRAMES, type GloveOptions, GRASPS, generateGlove } from "./data/glove.js";
export { loadRecordings, readUnpacked } from "./data/load.js";
export { type NpyArray, readNpy, readNpz } from "./data/npy.js";
export { npyRecordings, npzRecordings } from "./data/npy-recordings.js";
export {
  classificationSet,
  fitNormalization,
  labelByMajority,
  type Normalization,
  networkInputs,
  regressionSet,
  windowLabels,
} from "./data/prepare.js";
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
export { smoteFrames } from "./data/smote-frames.js";
export {
  type DataSplit,
  findLeaks,
  type Leak,
  refuseLeaks,
  type SplitKind,
  splitWindows,
  stratifiedFolds,
} from "./data/splits.js";
export {
  channelAsTarget,
  channelIndex,
  countedRecordings,
  countScale,
  fillMissing,
  scaleBareCounts,
  selectChannels,
} from "./data/transforms.js";
export { uciHaptRecordings } from "./data/uci-hapt.js";
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
export { RECURRENT_PATHS, type RecurrentPath } from "./fused/fused-cell.js";
export { type JobData, type JobSamples, prepareSamples, type SampleJob, samplesOf } from "./jobs/job-samples.js";
export { commonMeta, type ModelMeta, readModelMeta, readNormalization } from "./jobs/model-meta.js";
export { checkModelShape } from "./jobs/model-shape.js";
export {
  type JobHooks,
  modelMeta,
  runTrainJob,
  type TrainJob,
  type TrainJobResult,
} from "./jobs/train-job.js";
export { type PlacedJob, type PoolOptions, runTrainJobs } from "./jobs/worker-pool.js";
export { type FastGrnnOptions, fastGrnn } from "./layers/fastgrnn.js";
export { type GruOptions, gru } from "./layers/gru.js";
export { minimalGru } from "./layers/minimal-gru.js";
export type { CellOptions } from "./layers/recurrent-layer.js";
export { argMax, type ClassScore, ConfusionMatrix } from "./metrics/classification.js";
export { RegressionError } from "./metrics/regression.js";
export { buildPreset, PRESETS, type PresetName, type PresetOptions } from "./networks/presets.js";
export { layerInputs } from "./prune/layer-inputs.js";
export { type LowRankMatrix, type LowRankOptions, type LowRankResult, lowRankNetwork } from "./prune/low-rank.js";
export {
  buildNetwork,
  type Network,
  type NetworkCost,
  networkCost,
  readNetwork,
  shrinkNetwork,
} from "./prune/network.js";
export {
  type PruneRequest,
  type PruneRow,
  type PruneTools,
  PUBLISHED_GRASP,
  prunePipeline,
} from "./prune/prune-pipeline.js";
export { type LayerSensitivity, layerSensitivity } from "./prune/sensitivity.js";
export { type PruneGoal, pruneUnits, unitScores } from "./prune/structured.js";
export { MagnitudeMask, sparsity } from "./prune/unstructured.js";
export { type DistillOptions, distilledSet } from "./qat/distill.js";
export { fileWeights } from "./qat/file-weights.js";
export type { Rows, SimulatedLayer } from "./qat/simulated-layer.js";
export { IntegerSimulation } from "./qat/simulation.js";
export {
  convertRounded,
  graphOf,
  type QuantizedTraining,
  type QuantizedTrainingOptions,
  trainQuantized,
} from "./qat/train-quantized.js";
export { type LayerGrid, type NetworkGrids, networkGrids, projectWeights, weightGrids } from "./qat/weight-grid.js";
export type { PlannedStage, ShrinkPlan, ShrinkReport, ShrinkStage, ShrinkWidth } from "./shrink/report.js";
export {
  type ShrinkRequest,
  shrink,
  type Teacher,
} from "./shrink/shrink.js";
export { parseTarget, type ShrinkTarget } from "./shrink/target.js";
export type { StudyAverage } from "./study/averages.js";
export {
  conversionData,
  countParameters,
  countsOf,
  type EntryFigures,
  evaluateEntry,
  type QuantizedFigures,
} from "./study/evaluate-entry.js";
export { evaluateStream, type StreamFigures, type StreamInput } from "./study/evaluate-stream.js";
export { type HaptStudyOptions, haptStudy, STUDY_CELLS, type StudyCell } from "./study/hapt-study.js";
export type { BoardCost, BoardMeter, IntegerModel, LoadInteger } from "./study/integer-engine.js";
export { PROTOCOL_GUESSES, PROTOCOL_NOTE, publishedTable } from "./study/published-table.js";
export {
  runStudy,
  type StudyArchitecture,
  type StudyReport,
  type StudyRequest,
  type StudyRow,
} from "./study/run-study.js";
export {
  averagesTable,
  type StudyTable,
  spreadOf,
  studyMarkdown,
  studyTable,
} from "./study/study-markdown.js";
export { UEA5_SETS, type Uea5StudyOptions, uea5Study } from "./study/uea5-study.js";
export { BACKEND_NAMES, type BackendName, type LoadedTf, type LoadTfOptions, loadTf, type Tf } from "./tf/load-tf.js";
export { loadModelFiles, type ModelFiles, modelFiles, saveModelFiles } from "./tf/model-files.js";
export { TrainError, type TrainErrorCode } from "./training/errors.js";
export type { LossName } from "./training/losses.js";
export { type Forward, predictAll, type Scores, scoreAnswers } from "./training/predict.js";
export type { EpochMetrics } from "./training/run-folder.js";
export { trainModel } from "./training/train-model.js";
export type { TrainOptions, TrainProgress, TrainResult } from "./training/train-options.js";
export { checkTrainingSet, labelsOf, oneHot, pickSamples, type TrainingSet } from "./training/training-set.js";
export { removeUnfinished, writeWhole } from "./training/write-whole.js";
