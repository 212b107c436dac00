/** A check that ran and did not pass; the report has been printed. */
export class CheckFailed extends Error {
  override readonly name = "CheckFailed";
  readonly code = "CHECK_FAILED";
}
