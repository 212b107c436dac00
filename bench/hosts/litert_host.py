"""LiteRT through Python: one line of JSON in, one out. {"run": index} answers, {"time": count} measures ms a window."""

import json
import sys
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def main(path, windows_path, steps, channels):
    windows = np.fromfile(windows_path, dtype="<f4").reshape(-1, 1, steps, channels)
    interpreter = Interpreter(path, num_threads=1)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    scale, zero = source["quantization"]
    if scale:
        rounded = np.round(windows / scale) + zero
        windows = np.clip(rounded, -128, 127).astype(np.int8)

    def run(index):
        interpreter.set_tensor(source["index"], windows[index])
        interpreter.invoke()
        return interpreter.get_tensor(target["index"])

    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "run" in request:
            # the fused LSTM keeps its state from window to window; the time leaves this out, in the peer's favour
            interpreter.reset_all_variables()
            output = run(request["run"])[0].astype(np.float64)
            out_scale, out_zero = target["quantization"]
            answer = (output - out_zero) * out_scale if out_scale else output
            print(json.dumps({"answer": answer.tolist()}), flush=True)
        else:
            count = request["time"]
            begin = time.perf_counter()
            for index in range(count):
                run(index % len(windows))
            print(json.dumps({"ms": 1000 * (time.perf_counter() - begin) / count}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
