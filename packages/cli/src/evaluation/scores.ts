import { ConfusionMatrix, RegressionError } from "@gatelet/train";
import { classCount, decidedClass, type OutputTransform, transformed } from "./predictor.js";

/** Scores of one predictor against the truth, as plain data. */
export interface ClassificationScores {
  readonly kind: "classification";
  readonly samples: number;
  readonly accuracy: number;
  readonly macroF1: number;
  readonly classes: readonly {
    readonly classId: number;
    readonly name: string;
    readonly precision: number;
    readonly recall: number;
    readonly f1: number;
    readonly support: number;
    readonly predicted: number;
  }[];
  /** Rows: truth; columns: prediction; all classes of the model. */
  readonly confusion: readonly (readonly number[])[];
  readonly classNames: readonly string[];
}

export interface RegressionScores {
  readonly kind: "regression";
  readonly samples: number;
  readonly rmse: number;
  readonly mae: number;
  readonly worst: number;
}

export type Scores = ClassificationScores | RegressionScores;

/** How two predictors differ on the same inputs. */
export interface Difference {
  /** Share of equal decisions; null in regression. */
  readonly agreement: number | null;
  /** Largest and mean absolute difference of outputs as the host shows them. */
  readonly worstOutputError: number;
  readonly meanOutputError: number;
  readonly samples: number;
}

/** What outputs mean: classes, or a value with its normalization taken back. */
export interface Meaning {
  readonly transform: OutputTransform;
  readonly outputSize: number;
  readonly classNames: readonly string[];
  readonly task: "classification" | "regression";
  readonly targetScale: { readonly mean: number; readonly std: number };
}

/** Gathers truth against outputs. Throws RangeError for a class id that the model does not have. */
export class ScoreKeeper {
  private readonly confusion: ConfusionMatrix;
  private readonly error = new RegressionError();

  constructor(private readonly meaning: Meaning) {
    const count = classCount(meaning.outputSize, meaning.transform);
    this.confusion = new ConfusionMatrix(Array.from({ length: count }, (_, id) => meaning.classNames[id] ?? `${id}`));
  }

  /** @param truth class id, or target in physical units */
  add(truth: number, logits: ArrayLike<number>): void {
    const { task, transform, targetScale } = this.meaning;
    if (task === "classification") this.confusion.add(truth, decidedClass(logits, transform));
    else this.error.add(truth, transformed(logits, transform)[0]! * targetScale.std + targetScale.mean);
  }

  get scores(): Scores {
    const { confusion, error } = this;
    if (this.meaning.task === "regression") {
      return { kind: "regression", samples: error.total, rmse: error.rmse, mae: error.mae, worst: error.worst };
    }
    const { classNames } = confusion;
    return {
      kind: "classification",
      samples: confusion.total,
      accuracy: confusion.accuracy,
      macroF1: confusion.macroF1,
      classes: confusion.classScores,
      confusion: classNames.map((_, truth) => classNames.map((__, predicted) => confusion.count(truth, predicted))),
      classNames,
    };
  }
}

/** Gathers how two predictors differ. */
export class DifferenceKeeper {
  private equal = 0;
  private samples = 0;
  private values = 0;
  private sum = 0;
  private worst = 0;

  constructor(private readonly meaning: Pick<Meaning, "transform" | "task">) {}

  /** @returns the largest difference of this row */
  add(reference: ArrayLike<number>, other: ArrayLike<number>): number {
    const { transform, task } = this.meaning;
    const a = transformed(reference, transform);
    const b = transformed(other, transform);
    let largest = 0;
    for (let i = 0; i < a.length; i++) {
      const error = Math.abs(a[i]! - b[i]!);
      largest = Math.max(largest, error);
      this.sum += error;
    }
    this.values += a.length;
    this.samples++;
    this.worst = Math.max(this.worst, largest);
    if (task === "classification" && decidedClass(reference, transform) === decidedClass(other, transform))
      this.equal++;
    return largest;
  }

  get difference(): Difference {
    return {
      agreement: this.meaning.task === "classification" ? this.equal / this.samples : null,
      worstOutputError: this.worst,
      meanOutputError: this.sum / this.values,
      samples: this.samples,
    };
  }
}
