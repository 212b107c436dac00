import { type ChildProcess, spawn } from "node:child_process";

/** A headless Chromium that opens one page; `profile` is a folder it may fill. End it with `killChromium`. */
export function spawnChromium(profile: string, address: string): ChildProcess {
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"];
  const args = [...flags, `--user-data-dir=${profile}`, address];
  // a group of its own: the browser's other processes go with it
  const browser = spawn("chromium", args, { stdio: "ignore", detached: true });
  const kill = () => killChromium(browser);
  process.once("exit", kill);
  browser.once("exit", () => process.removeListener("exit", kill));
  return browser;
}

/** Ends the browser and its helpers at once. */
export function killChromium(browser: ChildProcess): void {
  if (browser.pid === undefined) return;
  try {
    process.kill(-browser.pid, "SIGKILL");
  } catch {
    // it has ended
  }
}
