import { type ChildProcess, spawn } from "node:child_process";

/** A headless Chromium that opens one page; `profile` is a folder it may fill. */
export function spawnChromium(profile: string, address: string): ChildProcess {
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"];
  return spawn("chromium", [...flags, `--user-data-dir=${profile}`, address], { stdio: "ignore" });
}
