/** Scores of one class. Precision is 0 where the class was never predicted, recall 0 where it never occurs. */
export interface ClassScore {
  readonly classId: number;
  readonly name: string;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** How often the class occurs in truth. */
  readonly support: number;
  readonly predicted: number;
}

/** Counts of truth against prediction. */
export class ConfusionMatrix {
  /** Row-major, truth * classes + prediction. */
  readonly counts: Float64Array;
  readonly classNames: readonly string[];

  constructor(classNames: readonly string[]) {
    this.classNames = classNames;
    this.counts = new Float64Array(classNames.length ** 2);
  }

  /** Throws RangeError for a class id outside the matrix. */
  add(truth: number, prediction: number): void {
    const classes = this.classNames.length;
    if (!(truth >= 0 && truth < classes && prediction >= 0 && prediction < classes)) {
      throw new RangeError(`class ${truth} predicted as ${prediction}, there are ${classes} classes`);
    }
    this.counts[truth * classes + prediction]!++;
  }

  count(truth: number, prediction: number): number {
    return this.counts[truth * this.classNames.length + prediction]!;
  }

  get total(): number {
    return this.counts.reduce((sum, count) => sum + count, 0);
  }

  /** Share of right predictions; NaN where nothing was counted. */
  get accuracy(): number {
    let right = 0;
    for (let id = 0; id < this.classNames.length; id++) right += this.count(id, id);
    return right / this.total;
  }

  /** Scores of the classes that occur in truth or prediction, by class id. */
  get classScores(): ClassScore[] {
    return this.classNames
      .map((name, classId): ClassScore => {
        let support = 0;
        let predicted = 0;
        for (let other = 0; other < this.classNames.length; other++) {
          support += this.count(classId, other);
          predicted += this.count(other, classId);
        }
        const right = this.count(classId, classId);
        const precision = predicted === 0 ? 0 : right / predicted;
        const recall = support === 0 ? 0 : right / support;
        const f1 = support + predicted === 0 ? 0 : (2 * right) / (support + predicted);
        return { classId, name, precision, recall, f1, support, predicted };
      })
      .filter((score) => score.support + score.predicted > 0);
  }

  /** Mean F1 of the classes that occur in truth or prediction (as scikit-learn counts); NaN where nothing was counted. */
  get macroF1(): number {
    const scores = this.classScores;
    return scores.reduce((sum, score) => sum + score.f1, 0) / scores.length;
  }
}

/** Index of the largest value; of equal ones the first. */
export function argMax(values: ArrayLike<number>, start = 0, length = values.length - start): number {
  let best = 0;
  for (let i = 1; i < length; i++) if (values[start + i]! > values[start + best]!) best = i;
  return best;
}
