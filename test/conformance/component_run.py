"""Calls functions of a component in wasmtime: component file, JSON list of [name, arguments...] on standard input; a list of n
ones may be written {"ones": n}. Prints a JSON list of results: lists of numbers, null, error names, records, or {"trap": true}."""
import json
import sys

from wasmtime import Engine, Store, WasmtimeError
from wasmtime.component import Component, Linker

INTERFACE = "gatelet:model/inference@0.1.0"
store = Store(Engine())
instance = Linker(store.engine).instantiate(store, Component.from_file(store.engine, sys.argv[1]))
interface = instance.get_export_index(store, INTERFACE)


def plain(value):
    if isinstance(value, (bytes, bytearray)):
        return list(value)
    if hasattr(value, "__dict__"):
        return vars(value)
    return value


def call(name, *arguments):
    arguments = [[1] * a["ones"] if isinstance(a, dict) else a for a in arguments]
    function = instance.get_func(store, instance.get_export_index(store, name, interface))
    try:
        value = plain(function(store, *(bytes(a) if name == "restore-state" else a for a in arguments)))
        function.post_return(store)
        return value
    except WasmtimeError:
        return {"trap": True}


print(json.dumps([call(*each) for each in json.load(sys.stdin)]))
