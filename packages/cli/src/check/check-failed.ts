/** A check that ran and did not pass; the report has been printed. */
export class CheckFailed extends Error {
  override readonly name = "CheckFailed";

  constructor(
    /** `BUDGET` where memory is beyond its budget, whatever else failed for that. */
    readonly code: "CHECK_FAILED" | "BUDGET",
    message: string,
  ) {
    super(message);
  }
}
