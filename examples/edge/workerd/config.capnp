# SECRET=... workerd serve config.capnp (from a folder built as README.md says)
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [(name = "main", worker = .edge)],
  sockets = [(name = "http", address = "127.0.0.1:8080", http = (), service = "main")]
);

const edge :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "serve.js", esModule = embed "../serve.js"),
    (name = "cookie.js", esModule = embed "../cookie.js"),
    (name = "model/index.js", esModule = embed "../model/index.js"),
    (name = "model/pump.wasm", wasm = embed "../model/pump.wasm")
  ],
  bindings = [
    (name = "STREAMS", durableObjectNamespace = "Stream"),
    (name = "SECRET", fromEnvironment = "SECRET")
  ],
  durableObjectNamespaces = [(className = "Stream", uniqueKey = "gatelet-edge-stream")],
  durableObjectStorage = (inMemory = void),
  compatibilityDate = "2026-01-01"
);
