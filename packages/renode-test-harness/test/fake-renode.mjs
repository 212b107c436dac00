#!/usr/bin/env node
/**
 * A stand-in for Renode, to test the harness without it and to show it what a real one does only on a bad day.
 * It speaks the command line, writes the port file, serves XML-RPC and plays the scenario in FAKE_RENODE (JSON):
 *
 *   version        text of --version
 *   start          "silent" never opens a port, "exit" ends with code 0, "port-taken" logs that and ends
 *   log            text written to stdout at start
 *   keepRunning    do not end when standard input closes
 *   grandchild     file to write the id of a child process to
 *   keywords       [[regular expression on "Keyword arg arg", action], ...], the first match counts; action:
 *                  {return}, {base64}, {fail}, {fault: [code, text]}, {hang: true}, {exit: code}, {signal},
 *                  {garbage: text}, {drop: true}, {flood: bytes}; {log} before any of them
 *   run            what StartEmulation leads to: {uart: text or base64: bytes, stop: index, pause: true,
 *                  pc, instructions, virtualSeconds, afterPolls, log}; a list is played run by run
 *   calls          file to which every call is appended, one a line
 */
import { spawn } from "node:child_process";
import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";

const args = process.argv.slice(2);
const scenario = JSON.parse(process.env.FAKE_RENODE ?? "{}");

if (args.includes("--version")) {
  process.stdout.write(scenario.version ?? "Renode v1.16.1.17888\n  build: fake\n  build type: Release\n");
  process.exit(0);
}
if (scenario.log) process.stdout.write(scenario.log);
if (scenario.start === "exit") process.exit(0);
if (scenario.start === "port-taken") {
  process.stdout.write("[ERROR] Could not start the HTTP server on port 1\n");
  process.exit(0);
}
if (!scenario.keepRunning) process.stdin.on("end", () => process.exit(0)).resume();
if (scenario.grandchild) {
  const child = spawn("sleep", ["600"], { stdio: "ignore" });
  writeFileSync(scenario.grandchild, `${child.pid}`);
}
setInterval(() => {}, 1000);

const port = Number(args[args.indexOf("--robot-server-port") + 1]);
const machine = { running: false, stop: "None", virtualSeconds: 0, instructions: 0, pc: 0x200, polls: 0, marks: [] };
const uarts = new Map();
const runs = [scenario.run ?? { stop: 0 }].flat();

const text = (value) => String(value).replace(/[&<>]/g, (found) => `&#${found.charCodeAt(0)};`);
const member = (name, body) => `<member><name>${name}</name><value>${body}</value></member>`;
const string = (value) => `<string>${text(value)}</string>`;
const pass = (body) =>
  `<struct>${body === undefined ? "" : member("return", body)}${member("status", string("PASS"))}</struct>`;
const fail = (why) =>
  `<struct>${member("status", string("FAIL"))}${member("error", string(why))}${member("traceback", string("none"))}</struct>`;

function settle() {
  const run = machine.run;
  if (run === undefined || machine.polls++ < (run.afterPolls ?? 0)) return;
  for (const file of uarts.values()) {
    if (run.uart !== undefined) appendFileSync(file, run.uart);
    if (run.base64 !== undefined) appendFileSync(file, Buffer.from(run.base64, "base64"));
  }
  if (run.log) process.stdout.write(run.log);
  machine.running = !("stop" in run) && !run.pause;
  if ("stop" in run) machine.stop = run.stop;
  machine.pc = run.pc ?? machine.pc;
  machine.instructions = run.instructions ?? machine.instructions + 100;
  machine.virtualSeconds = run.virtualSeconds ?? machine.virtualSeconds + 0.25;
  machine.run = undefined;
}

/** What a well-behaved Renode would do. */
function obey(name, call) {
  const command = call[0] ?? "";
  if (name === "ResetEmulation") Object.assign(machine, { virtualSeconds: 0, instructions: 0, run: undefined });
  if (name === "StartEmulation") {
    Object.assign(machine, { running: true, stop: "None", polls: 0, run: runs.length > 1 ? runs.shift() : runs[0] });
  }
  const backend = /^(\S+) CreateFileBackend @(\S+) true$/.exec(command);
  if (backend !== null) {
    uarts.set(backend[1], backend[2]);
    writeFileSync(backend[2], "");
  }
  if (command === "pause") machine.running = false;
  const time = /^emulation RunFor "([\d.]+)"$/.exec(command);
  if (time !== null) machine.virtualSeconds += Number(time[1]);
  if (command.includes(".IsStarted")) {
    settle();
    const state = [
      machine.running ? "True" : "False",
      machine.stop,
      machine.virtualSeconds,
      machine.instructions,
      machine.pc,
    ];
    return pass(string(state.join("|")));
  }
  const read = /ReadBytes\((0x[0-9A-F]+), (\d+)\)/.exec(command);
  if (read !== null) {
    const bytes = Buffer.from(Array.from({ length: Number(read[2]) }, (_, at) => (Number(read[1]) + at) & 255));
    return pass(`<base64>${bytes.toString("base64")}</base64>`);
  }
  return pass();
}

function answer(response, name, call) {
  const what = [name, ...call].join(" ");
  if (scenario.calls) appendFileSync(scenario.calls, `${JSON.stringify([name, ...call])}\n`);
  const action = (scenario.keywords ?? []).find(([pattern]) => new RegExp(pattern).test(what))?.[1];
  const reply = (body) =>
    response.end(
      `<?xml version="1.0"?><methodResponse><params><param><value>${body}</value></param></params></methodResponse>`,
    );
  if (action?.log) process.stdout.write(action.log);
  if (action === undefined) return reply(obey(name, call));
  if (action.hang) return undefined;
  if (action.exit !== undefined) return process.exit(action.exit);
  if (action.signal) return process.kill(process.pid, action.signal);
  if (action.drop) return response.destroy();
  if (action.garbage !== undefined) return response.end(action.garbage);
  if (action.flood) {
    process.stdout.write("[WARNING] sysbus: read from an unmapped address\n".repeat(action.flood / 48));
    return undefined;
  }
  if (action.fault) {
    const [code, why] = action.fault;
    const body = `<struct>${member("faultCode", `<int>${code}</int>`)}${member("faultString", string(why))}</struct>`;
    return response.end(`<methodResponse><fault><value>${body}</value></fault></methodResponse>`);
  }
  if (action.fail !== undefined) return reply(fail(action.fail));
  if (action.base64 !== undefined) return reply(pass(`<base64>${action.base64}</base64>`));
  return reply(pass(string(action.return ?? "")));
}

const plain = (value) => value.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));

const server = createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const found = [
      ...Buffer.concat(chunks)
        .toString()
        .matchAll(/<string>([^<]*)<\/string>/g),
    ].map((each) => plain(each[1]));
    answer(response, found[0], found.slice(1));
  });
});
if (scenario.start !== "silent") {
  server.listen(port, "127.0.0.1", () => {
    const folder = `${process.env.TMPDIR}/renode-${process.pid}`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/robot_port`, `${port}`);
  });
}
