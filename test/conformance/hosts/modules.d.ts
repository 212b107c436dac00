/** A module of workerd's configuration. */
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
