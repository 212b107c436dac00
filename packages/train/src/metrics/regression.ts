/** Running error of predicted against true values, in the unit of the target. */
export class RegressionError {
  private count = 0;
  private squares = 0;
  private absolute = 0;
  private largest = 0;

  add(truth: number, prediction: number): void {
    const error = Math.abs(prediction - truth);
    this.count++;
    this.squares += error * error;
    this.absolute += error;
    this.largest = Math.max(this.largest, error);
  }

  get total(): number {
    return this.count;
  }

  /** Root of the mean squared error; NaN where nothing was counted. */
  get rmse(): number {
    return Math.sqrt(this.squares / this.count);
  }

  /** Mean absolute error; NaN where nothing was counted. */
  get mae(): number {
    return this.absolute / this.count;
  }

  get worst(): number {
    return this.largest;
  }
}
