import { dotnetLiteral, dotnetPattern, monitorHex, pythonString } from "./monitor-text.js";

/**
 * Python that runs inside Renode. Hooks cannot be taken off a UART again and must not call back into the monitor, so
 * they talk through named slots of the process (AppDomain data), which survive from hook to hook and from call to call.
 */
const SLOT_LINES = "renode-test-harness.lines";
const SLOT_STOP = "renode-test-harness.stop";
const SLOT_MARKS = "renode-test-harness.marks";
const SLOT_LAST_MARK = "renode-test-harness.last-mark";
const SLOT_RUN = "renode-test-harness.run";

const domain = "System.AppDomain.CurrentDomain";
const emulation = "Antmicro.Renode.Core.EmulationManager.Instance.CurrentEmulation";

export interface ArmedLine {
  readonly index: number;
  readonly uart: string;
  readonly content: string | RegExp;
}

/** Empties all slots. */
export const CLEAR_SLOTS = [
  `${domain}.SetData("${SLOT_LINES}", None)`,
  `${domain}.SetData("${SLOT_STOP}", None)`,
  `${domain}.SetData("${SLOT_MARKS}", [])`,
  `${domain}.SetData("${SLOT_LAST_MARK}", None)`,
  `${domain}.SetData("${SLOT_RUN}", None)`,
].join("\n");

/**
 * Python: pauses the machine after so much virtual time, unless another run has begun or ended by then.
 * Exact to the quantum and the same on every host, unlike a pause sent from outside.
 */
export function armVirtualLimit(run: number, virtualSeconds: number): string {
  return [
    `${domain}.SetData("${SLOT_RUN}", ${run})`,
    "def limit(_, machine=monitor.Machine):",
    `  if ${domain}.GetData("${SLOT_RUN}") == ${run}:`,
    `    if ${domain}.GetData("${SLOT_STOP}") is None:`,
    `      ${domain}.SetData("${SLOT_STOP}", "limit")`,
    "    machine.PauseAndRequestEmulationPause()",
    `monitor.Machine.ScheduleAction(Antmicro.Renode.Time.TimeInterval.FromSeconds(${virtualSeconds.toFixed(9)}), limit)`,
    "None",
  ].join("\n");
}

/** Python: makes the limit of the last run harmless. */
export const DISARM_VIRTUAL_LIMIT = `${domain}.SetData("${SLOT_RUN}", None)`;

/** Python: lets a mark be noted at a count at which it was noted before. */
export const FORGET_LAST_MARK = `${domain}.SetData("${SLOT_LAST_MARK}", None)`;

/** Sets the lines to wait for and forgets the last stop. */
export function armLines(lines: readonly ArmedLine[]): string {
  const entries = lines.map(({ index, uart, content }) => {
    const pattern = typeof content === "string" ? dotnetLiteral(content) : dotnetPattern(content);
    return `[${index}, ${pythonString(uart)}, System.Text.RegularExpressions.Regex(${pythonString(pattern)})]`;
  });
  return `${domain}.SetData("${SLOT_STOP}", None)\n${domain}.SetData("${SLOT_LINES}", [${entries.join(", ")}])`;
}

/** Monitor command: the one hook of a UART, stops the machine at any armed line. */
export function lineHook(uart: string): string {
  return [
    `${uart} AddLineHook "" """for entry in (${domain}.GetData("${SLOT_LINES}") or []):`,
    `  if entry[1] == ${pythonString(uart)} and entry[2].IsMatch(line):`,
    `    ${domain}.SetData("${SLOT_LINES}", None)`,
    `    ${domain}.SetData("${SLOT_STOP}", "%d" % entry[0])`,
    `    machine.PauseAndRequestEmulationPause(True)`,
    `    break"""`,
  ].join("\n");
}

/**
 * Monitor command: stops the machine when the core is about to execute `address`.
 * @param notAt a count of retired instructions at which the hook lets the core pass: it already stands there
 */
export function stopHook(cpu: string, address: number, index: number, notAt: bigint | undefined): string {
  const condition = notAt === undefined ? "True" : `self.ExecutedInstructions != ${notAt}`;
  return [
    `${cpu} AddHook ${monitorHex(address)} """if ${condition}:`,
    `  ${domain}.SetData("${SLOT_STOP}", "%d" % ${index})`,
    `  machine.PauseAndRequestEmulationPause(True)"""`,
  ].join("\n");
}

/**
 * Monitor command: notes the count of retired instructions whenever the core is about to execute `address`. A block
 * that is restarted, as after a pause, calls its hook again at the same count: that is one passage.
 */
export function markHook(cpu: string, address: number, name: string): string {
  return [
    `${cpu} AddHook ${monitorHex(address)} """note = "%d %s" % (self.ExecutedInstructions, ${pythonString(name)})`,
    `if ${domain}.GetData("${SLOT_LAST_MARK}") != note:`,
    `  ${domain}.SetData("${SLOT_LAST_MARK}", note)`,
    `  ${domain}.GetData("${SLOT_MARKS}").append(note)"""`,
  ].join("\n");
}

/** Python: one line for each mark passed, then forgets them. */
export const TAKE_MARKS = [
  `taken = "\\n".join(${domain}.GetData("${SLOT_MARKS}") or [])`,
  `${domain}.SetData("${SLOT_MARKS}", [])`,
  "taken",
].join("\n");

/** Python: "running|stop|virtual seconds|instructions|pc". The last two are exact only while the machine is paused. */
export function statusOf(cpu: string): string {
  const core = `monitor.Machine[${pythonString(cpu)}]`;
  return (
    `"%s|%s|%s|%s|%s" % (${emulation}.IsStarted, ${domain}.GetData("${SLOT_STOP}"), ` +
    `${emulation}.MasterTimeSource.ElapsedVirtualTime.TotalSeconds.ToString("R", ` +
    `System.Globalization.CultureInfo.InvariantCulture), ${core}.ExecutedInstructions, ${core}.PC.RawValue)`
  );
}

export interface Status {
  readonly running: boolean;
  /** Index of the condition that a hook saw fulfilled, or that the virtual time limit came first. */
  readonly stop: number | "limit" | undefined;
  readonly virtualSeconds: number;
  readonly instructions: bigint;
  readonly pc: number;
}

/** @returns undefined for a text of another form */
export function parseStatus(text: string): Status | undefined {
  const found = /^(True|False)\|(None|limit|\d+)\|([\d.eE+-]+)\|(\d+)\|(\d+)$/.exec(text.trim());
  if (found === null) return undefined;
  return {
    running: found[1] === "True",
    stop: found[2] === "None" ? undefined : found[2] === "limit" ? "limit" : Number(found[2]),
    virtualSeconds: Number(found[3]),
    instructions: BigInt(found[4]),
    pc: Number(found[5]),
  };
}
