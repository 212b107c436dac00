/** What the runner says by UART, from an emulated board or a real one. */
export interface RunnerText {
  /** 0, or a negative status. */
  readonly status: number;
  readonly frames: number;
  readonly rows: number;
  readonly modelCrc: number;
  readonly outputCrc: number;
  readonly stateCrc: number;
  /** DWT counts of all steps, the profile hooks included. */
  readonly cycles: number;
  readonly layerCycles: readonly number[];
  readonly stackBytes: number;
}

/**
 * Reads the last complete report in a log of the UART: other text around it does not matter.
 * @returns undefined where no report goes from `gatelet runner 1` to `end`
 */
export function parseRunnerText(log: string): RunnerText | undefined {
  const lines = log.split(/\r?\n/).map((line) => line.trim());
  const end = lines.lastIndexOf("end");
  const start = lines.lastIndexOf("gatelet runner 1", end);
  if (end < 0 || start < 0) return undefined;
  const report = lines.slice(start, end);
  const text = (name: string): string | undefined =>
    report.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1);
  const decimal = (name: string): number => Number(text(name) ?? Number.NaN);
  const hex = (name: string): number => Number.parseInt(text(name) ?? "", 16);
  const layers = report.flatMap((line) => /^layer (\d+) cycles (\d+)$/.exec(line)?.[2] ?? []).map(Number);
  const status = text("status");
  const values = {
    status: status === "OK" ? 0 : Number(status?.replace(" ", "") ?? Number.NaN),
    frames: decimal("frames"),
    rows: decimal("rows"),
    modelCrc: hex("model"),
    outputCrc: hex("outputs"),
    stateCrc: hex("state"),
    cycles: 2 ** 32 * hex("cycles-high") + decimal("cycles"),
    stackBytes: decimal("stack"),
  };
  if (Object.values(values).some(Number.isNaN)) return undefined;
  return { ...values, layerCycles: layers };
}
