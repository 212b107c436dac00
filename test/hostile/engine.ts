/**
 * What a machine (scalar WASM, SIMD WASM, host C ...) shows to the hostile suites. The driver compares it with the
 * TypeScript reader and the integer reference.
 */
export interface Engine {
  readonly name: string;
  /** Status of the engine's own checks of a whole file: 0, or the negative code of the refusal. Must not run anything. */
  check(bytes: Uint8Array): number;
  /** Loads a file that `check` accepted. The fuzzer keeps one model open at a time. */
  open(bytes: Uint8Array): EngineModel;
}

export interface EngineModel {
  /** A stream after reset. */
  createStream(): EngineStream;
  /** What was changed that must not be: model bytes, constant tables, guard words round arenas and buffers; undefined: nothing. */
  damage(): string | undefined;
  close(): void;
}

export interface EngineStream {
  /** `status` 0 with its rows, or a negative status (rows are ignored then). */
  step(frame: Int16Array): { readonly status: number; readonly rows: readonly ArrayLike<number>[] };
  saveState(): Uint8Array;
  /** 0, or BAD_STATE with nothing written. */
  restoreState(blob: Uint8Array): number;
  /** A copy of the arena's state region. */
  state(): Uint8Array;
}
