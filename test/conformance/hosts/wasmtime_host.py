"""wasmtime (PyPI wheel): jobs on stdin, results on stdout, each behind its length (u32). Format: job.ts."""

import json
import struct
import sys
import zlib

import wasmtime

PAGE = 65536
STATIC = 4096
# What `describe` writes: packages/kernels-as/src/description.ts. arena bytes, output type, frame and row widths, saved state's bytes.
DESCRIPTION = struct.Struct("<I8xxB6xHH24xI12x")
DESCRIPTION_BYTES = 64
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
        fields = DESCRIPTION.unpack(self.memory.read(store, info, info + DESCRIPTION_BYTES))
        arena_bytes, output_type, self.frame_size, output_size, self.saved_bytes = fields
        self.row_bytes = output_size * (4 if output_type == INT32_OUTPUT else 2)
        self.letter = "i" if output_type == INT32_OUTPUT else "h"
        self.arena = pad16(info + DESCRIPTION_BYTES)
        self.frames = pad16(self.arena + arena_bytes)
        self.out = pad16(self.frames + 2 * window_values)
        rows = self.exports["maxRows"](store, self.model, window_values // self.frame_size)
        self.out_bytes = max(pad16(rows * self.row_bytes), pad16(self.saved_bytes))
        if self.out + self.out_bytes > pages * PAGE:
            raise MemoryError("model does not fit the memory of the wasmtime host")
        self.expect(self.exports["init"](store, self.model, self.arena, arena_bytes), "init")
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
