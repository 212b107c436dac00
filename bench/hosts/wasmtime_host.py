"""wasmtime (PyPI wheel): jobs on stdin, results on stdout, each behind its length (u32). Format: job.ts."""

import json
import struct
import sys
import zlib

import wasmtime

PAGE = 65536
STATIC = 4096
# u32 words of what `describe` writes: packages/kernels-as/src/description.ts
ARENA_WORD, SAVED_WORD, FRAME_WORD, OUTPUT_WORD, TYPE_WORD = 1, 3, 5, 8, 9
DESCRIPTION_BYTES = 72
INT32_OUTPUT = 1


def pad16(size):
    return (size + 15) & ~15


class Kernels:
    """One .gate file in an instance of the core module whose memory the host supplies."""

    def __init__(self, store, module, gate, window_values):
        pages = (STATIC + pad16(len(gate)) + (1 << 20) + PAGE - 1) // PAGE
        self.store = store
        self.memory = wasmtime.Memory(store, wasmtime.MemoryType(wasmtime.Limits(pages, pages)))
        self.exports = wasmtime.Instance(store, module, [self.memory]).exports(store)
        self.model = STATIC
        self.memory.write(store, gate, self.model)
        self.expect(self.exports["check"](store, self.model, len(gate)), "check")
        info = self.model + pad16(len(gate))
        self.exports["describe"](store, self.model, info)
        words = struct.unpack("<18I", self.memory.read(store, info, info + DESCRIPTION_BYTES))
        self.frame_size = words[FRAME_WORD]
        self.row_bytes = words[OUTPUT_WORD] * (4 if words[TYPE_WORD] == INT32_OUTPUT else 2)
        self.letter = "i" if words[TYPE_WORD] == INT32_OUTPUT else "h"
        self.saved_bytes = words[SAVED_WORD]
        self.arena = pad16(info + DESCRIPTION_BYTES)
        self.frames = pad16(self.arena + words[ARENA_WORD])
        self.out = pad16(self.frames + 2 * window_values)
        rows = self.exports["maxRows"](store, self.model, window_values // self.frame_size)
        self.out_bytes = max(pad16(rows * self.row_bytes), pad16(self.saved_bytes))
        if self.out + self.out_bytes > pages * PAGE:
            raise MemoryError("model does not fit the memory of the wasmtime host")
        self.expect(self.exports["init"](store, self.model, self.arena, words[ARENA_WORD]), "init")
        self.call = self.exports["run"]

    @staticmethod
    def expect(status, what):
        if status < 0:
            raise RuntimeError(f"{what} returned status {status}")
        return status

    def run(self, frames):
        """Rows of some frames (bytes of int16 values), as [rows, integers ...]."""
        self.memory.write(self.store, frames, self.frames)
        count = len(frames) // (2 * self.frame_size)
        rows = self.call(self.store, self.model, self.arena, self.frames, count, self.out, self.out_bytes)
        self.expect(rows, "run")
        data = self.memory.read(self.store, self.out, self.out + rows * self.row_bytes)
        return [rows, *struct.unpack(f"<{len(data) // struct.calcsize(self.letter)}{self.letter}", data)]

    def state(self):
        size = self.exports["saveState"](self.store, self.model, self.arena, self.out, self.out_bytes)
        self.expect(size, "saveState")
        return bytes(self.memory.read(self.store, self.out, self.out + size))


def run_job(store, modules, job):
    (header_bytes,) = struct.unpack_from("<I", job)
    header = json.loads(job[4 : 4 + header_bytes])
    gate = job[header["gateAt"] : header["gateAt"] + header["gateBytes"]]
    kernels = Kernels(store, modules[header["engine"]], gate, header["windowValues"])
    result = []
    for index in range(header["windows"]):
        at = header["framesAt"] + 2 * index * header["windowValues"]
        window = job[at : at + 2 * header["windowValues"]]
        if header["mode"] == "time":
            result = kernels.run(window)
            continue
        half = 2 * header["halfValues"]
        result += kernels.run(window[:half])
        crc = zlib.crc32(kernels.state())
        result += kernels.run(window[half:])
        result.append(crc - (1 << 32) if crc >= 1 << 31 else crc)
    return struct.pack(f"<{len(result)}i", *result)


def main(folder):
    engine = wasmtime.Engine()
    modules = {name: wasmtime.Module.from_file(engine, f"{folder}/{name}.wasm") for name in ("simd", "scalar")}
    while True:
        prefix = sys.stdin.buffer.read(4)
        if len(prefix) < 4:
            return
        job = sys.stdin.buffer.read(struct.unpack("<I", prefix)[0])
        result = run_job(wasmtime.Store(engine), modules, job)
        sys.stdout.buffer.write(struct.pack("<I", len(result)) + result)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1])
