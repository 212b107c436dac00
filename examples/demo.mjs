// The whole path in one go: converts the example model, shows it, scores it, streams a recording through it, checks it on
// the emulated board and builds a module of it.
// Run it with `npm run demo`; it uses the built `gatelet` command as a user would.
import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const gatelet = join(root, "packages/cli/bin/gatelet.mjs");
const example = "examples/pump";
const output = "build/demo";
const colors = process.stdout.isTTY && process.env.NO_COLOR === undefined;
const paint = (code, text) => (colors ? `\x1b[${code}m${text}\x1b[0m` : text);

/** Runs `gatelet` with the terminal as its output; resolves when it has ended well. */
function run(args, stdio = "inherit") {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [gatelet, ...args], { cwd: root, stdio });
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`gatelet ${args[0]} ended with ${code}`))));
  });
}

async function step(title, args) {
  console.log(`\n${paint("1;36", `== ${title}`)}\n${paint("2", `$ gatelet ${args.join(" ")}`)}\n`);
  await run(args);
}

/** One line for each stretch of equal decisions: when, what, how sure, as a bar as long as it lasted. */
async function stream(title, args, file) {
  console.log(`\n${paint("1;36", `== ${title}`)}\n${paint("2", `$ gatelet ${args.join(" ")} < ${file}`)}\n`);
  const child = spawn(process.execPath, [gatelet, ...args, "--json"], {
    cwd: root,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.on("close", resolve));
  createReadStream(join(root, file)).pipe(child.stdin);
  let stretch;
  const show = ({ start, end, name, sum, count }) => {
    const seconds = (end - start) / 100;
    const when = `${(start / 100).toFixed(2).padStart(6)} s`;
    const sure = `${((100 * sum) / count).toFixed(0).padStart(3)} % sure`;
    console.log(
      `${when}  ${name.padEnd(14)} ${sure}  ${paint("36", "█".repeat(Math.max(1, Math.round(seconds * 5))))}`,
    );
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const { frame, class: name, confidence } = JSON.parse(line);
    if (stretch?.name !== name) {
      if (stretch !== undefined) show({ ...stretch, end: frame });
      stretch = { start: frame, end: frame, name, sum: 0, count: 0 };
    }
    stretch.end = frame;
    stretch.sum += confidence;
    stretch.count++;
  }
  if (stretch !== undefined) show(stretch);
  const code = await ended;
  if (code !== 0) throw new Error(`gatelet run ended with ${code}`);
}

try {
  await mkdir(join(root, output), { recursive: true });
  const gate = `${output}/pump.gate`;
  const model = `${example}/model.json`;
  const calibrate = ["convert", model, "--calibrate", `${example}/calibration.csv`, "-o", gate];
  await step("convert a trained GRU (tfjs) that hears what a pump does", [...calibrate, "--board", "nrf52840"]);
  await step("what is in the file, and where it lies", ["inspect", gate, "--ram", "1K", "--flash", "16K"]);
  await step("float against quantized", [
    "eval",
    gate,
    "--data",
    `${example}/recording.csv`,
    "--float",
    model,
    "--hop",
    "4",
  ]);
  await stream(
    "a recording as a stream: a window starts every 16 frames",
    ["run", gate, "--hop", "16"],
    `${example}/recording.csv`,
  );
  await step("the same file in the C firmware, on an emulated nRF52840", ["check", gate, "--board", "nrf52840"]);
  await step("a self-contained WebAssembly module of it", ["build", gate, "--target", "wasm", "-o", `${output}/wasm`]);
  console.log(`\nThe file is ${relative(process.cwd(), join(root, gate))}. Next: README.md, section "Your own model".`);
} catch (error) {
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
