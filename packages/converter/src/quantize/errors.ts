/** A model that cannot be expressed in the integer arithmetic, or options that contradict it. */
export class QuantizeError extends Error {
  readonly code = "QUANTIZE";
  override readonly name = "QuantizeError";
}

/** Calibration data of the wrong shape or with values that are not finite. */
export class CalibrationError extends Error {
  readonly code = "CALIBRATION";
  override readonly name = "CalibrationError";
}

/** The converted model does not fit; the text says by how much and what would help. */
export class BudgetError extends Error {
  readonly code = "BUDGET";
  override readonly name = "BudgetError";
  constructor(
    message: string,
    readonly what: "arena" | "flash",
    readonly neededBytes: number,
    readonly budgetBytes: number,
  ) {
    super(message);
  }
}
