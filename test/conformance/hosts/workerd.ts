/** workerd: the kernels are imported as modules, since it does not compile bytes at run time. */

import { handle, type KernelModules } from "./job.js";
import scalar from "./scalar.wasm";
import simd from "./simd.wasm";

export default {
  fetch: (request: Request): Promise<Response> => handle(request, { scalar, simd } as KernelModules),
};
