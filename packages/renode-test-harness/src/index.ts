export { Board, type Limits, type Mark, type Position, type Stop, type Until } from "./board.js";
export { type ElfSymbol, readElfSymbols } from "./elf-symbols.js";
export { RenodeError, type RenodeErrorCode, type RunFacts } from "./errors.js";
export { findRenode, type RenodeVersion, readRenodeVersion } from "./find-renode.js";
export { type Blob, type BoardOptions, platformFile, Renode, type RenodeOptions, startRenode } from "./renode.js";
export { UartCapture } from "./uart-capture.js";
