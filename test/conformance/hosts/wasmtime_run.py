"""Runs a self-contained module in wasmtime: module, frames (int16), values in a frame, frames a call, bytes of a row.

Prints the CRC-32 of all output rows, that of the saved state at the end, and the number of rows."""
import sys
import zlib

from wasmtime import Engine, Instance, Module, Store

module, frames, frame_size, per_call, row_bytes = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
store = Store(Engine())
exports = Instance(store, Module.from_file(store.engine, module), []).exports(store)
memory = exports["memory"]
data = open(frames, "rb").read()
at, output, state = (exports[name].value(store) for name in ("frames", "output", "state"))
run, crc, rows = exports["run"], 0, 0
for start in range(0, len(data), 2 * frame_size * per_call):
    part = data[start : start + 2 * frame_size * per_call]
    memory.write(store, part, at)
    added = run(store, len(part) // (2 * frame_size))
    if added < 0:
        sys.exit(f"status {added} at byte {start}")
    crc = zlib.crc32(memory.read(store, output, output + added * row_bytes), crc)
    rows += added
length = exports["saveState"](store)
print(crc, zlib.crc32(memory.read(store, state, state + length)), rows)
