import { createServer, type Server, type Socket } from "node:net";
import type { BuiltinBoard } from "../board/builtin.js";
import { FrameReader, hexBytes, littleEndian, packet, parseHex } from "./gdb-packets.js";

/** Instructions run between two looks at the socket while the target is free. */
const SLICE = 2_000_000;

const TARGET_XML =
  '<?xml version="1.0"?><!DOCTYPE target SYSTEM "gdb-target.dtd"><target version="1.0"><architecture>arm</architecture>' +
  '<feature name="org.gnu.gdb.arm.m-profile">' +
  [...Array.from({ length: 13 }, (_, i) => `r${i}`), "sp", "lr", "pc", "xpsr"]
    .map(
      (name, i) =>
        `<reg name="${name}" bitsize="32" regnum="${i === 16 ? 25 : i}"${name === "sp" ? ' type="data_ptr"' : name === "pc" ? ' type="code_ptr"' : ""}/>`,
    )
    .join("") +
  "</feature></target>";

/**
 * A GDB remote stub on loopback for a built-in board: registers, memory, breakpoints, continue, step, interrupt.
 * Attach with `target remote 127.0.0.1:PORT`.
 */
export class GdbServer {
  private server: Server | undefined;
  private readonly breakpoints = new Set<number>();
  private interrupted = false;
  private running = false;
  private readonly sockets = new Set<Socket>();
  /** Called when a client has gone. */
  onDisconnect: () => void = () => {};

  constructor(private readonly board: BuiltinBoard) {}

  /** Listens; resolves with the port. Port 0 picks a free one. */
  listen(port = 0): Promise<number> {
    return new Promise((resolve, reject) => {
      const server = createServer((socket) => this.serve(socket));
      this.server = server;
      server.on("error", reject);
      server.listen(port, "127.0.0.1", () => {
        const address = server.address();
        resolve(typeof address === "object" && address !== null ? address.port : port);
      });
    });
  }

  close(): void {
    this.running = false;
    this.server?.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private serve(socket: Socket): void {
    const reader = new FrameReader();
    this.sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      this.running = false;
      this.sockets.delete(socket);
      this.onDisconnect();
    });
    socket.on("data", (data) => {
      for (const event of reader.push(data)) {
        if (event === "interrupt") this.interrupted = true;
        else {
          socket.write("+");
          this.handle(event, socket);
        }
      }
    });
  }

  private handle(command: string, socket: Socket): void {
    const reply = (text: string) => socket.write(packet(text));
    if (command[0] === "c" || command[0] === "s" || command.startsWith("vCont;")) {
      const step = command[0] === "s" || command.startsWith("vCont;s");
      if (step) reply(this.step());
      else void this.resume(reply);
      return;
    }
    if (command === "D" || command === "k") {
      if (command === "D") reply("OK");
      socket.end();
      return;
    }
    try {
      reply(this.answer(command));
    } catch {
      reply("E01");
    }
  }

  private answer(command: string): string {
    switch (command[0]) {
      case "?":
        return "S05";
      case "g":
        return this.registers();
      case "G":
        this.setRegisters(parseHex(command.slice(1)));
        return "OK";
      case "p":
        return littleEndian(this.register(Number.parseInt(command.slice(1), 16)));
      case "P":
        return this.setOne(command.slice(1));
      case "m":
        return this.readMemory(command.slice(1));
      case "M":
        return this.writeMemory(command.slice(1));
      case "Z":
      case "z":
        return this.breakpoint(command);
      case "H":
        return "OK";
      default:
        return this.query(command);
    }
  }

  private query(command: string): string {
    if (command.startsWith("qSupported")) return "PacketSize=4000;qXfer:features:read+;vContSupported+";
    if (command === "vCont?") return "vCont;c;C;s;S";
    if (command === "qAttached") return "1";
    if (command === "qC") return "QC1";
    if (command === "qfThreadInfo") return "m1";
    if (command === "qsThreadInfo") return "l";
    if (command.startsWith("qRcmd,")) return this.monitor(Buffer.from(command.slice(6), "hex").toString("latin1"));
    const features = /^qXfer:features:read:target\.xml:([0-9a-f]+),([0-9a-f]+)$/.exec(command);
    if (features === null) return "";
    const start = Number.parseInt(features[1], 16);
    const chunk = TARGET_XML.slice(start, start + Number.parseInt(features[2], 16));
    return (start + chunk.length >= TARGET_XML.length ? "l" : "m") + chunk;
  }

  /** `monitor reset` and `monitor counts`; anything else is answered with what there is. */
  private monitor(text: string): string {
    const { board } = this;
    const counts = () => `${board.instructions} instructions, ${board.cycles} simulated cycles since reset\n`;
    if (text === "reset") board.resetNow();
    const answer = text === "reset" || text === "counts" ? counts() : "commands: reset, counts\n";
    return Buffer.from(answer, "latin1").toString("hex");
  }

  private register(index: number): number {
    const { core } = this.board;
    if (index < 15) return core.state.words[index];
    if (index === 15) return core.pc;
    return index === 16 || index === 25 ? core.exceptions.xpsr : 0;
  }

  private setRegister(index: number, value: number): void {
    const { core } = this.board;
    if (index < 15) core.state.words[index] = value;
    else if (index === 15) core.pc = (value & ~1) >>> 0;
    else core.exceptions.xpsr = value;
  }

  private registers(): string {
    return Array.from({ length: 17 }, (_, i) => littleEndian(this.register(i))).join("");
  }

  private setRegisters(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let i = 0; i < 17 && i * 4 + 4 <= bytes.length; i++) this.setRegister(i, view.getInt32(i * 4, true));
  }

  private setOne(text: string): string {
    const [index, value] = text.split("=");
    const bytes = parseHex(value);
    this.setRegister(Number.parseInt(index, 16), new DataView(bytes.buffer).getInt32(0, true));
    return "OK";
  }

  private readMemory(text: string): string {
    const [address, length] = text.split(",").map((part) => Number.parseInt(part, 16));
    return hexBytes(this.board.core.memory.peek(address, length));
  }

  private writeMemory(text: string): string {
    const [range, data] = text.split(":");
    this.board.core.memory.poke(Number.parseInt(range.split(",")[0], 16), parseHex(data));
    return "OK";
  }

  private breakpoint(command: string): string {
    if (command[1] !== "0" && command[1] !== "1") return "";
    const address = (Number.parseInt(command.split(",")[1], 16) & ~1) >>> 0;
    if (command[0] === "Z") this.breakpoints.add(address);
    else this.breakpoints.delete(address);
    return "OK";
  }

  private step(): string {
    const stop = this.board.core.run({ maxInstructions: 1 });
    return stop.reason === "fault" ? "S0b" : "S05";
  }

  /** Runs in slices so that the socket can interrupt. */
  private async resume(reply: (text: string) => void): Promise<void> {
    this.running = true;
    this.interrupted = false;
    while (this.running) {
      const stop = this.board.core.run({ addresses: this.breakpoints, maxInstructions: SLICE });
      if (stop.reason !== "instructions" && stop.reason !== "request") {
        reply(stop.reason === "fault" ? "S0b" : "S05");
        return;
      }
      await new Promise((resolve) => setImmediate(resolve));
      if (this.interrupted) {
        reply("S02");
        return;
      }
    }
  }
}
