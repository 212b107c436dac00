/** The part of jsfive that is used here. */
declare module "jsfive" {
  export class Group {
    readonly keys: string[];
    readonly attrs: Readonly<Record<string, unknown>>;
    get(path: string): Group | Dataset | undefined;
  }
  export class File extends Group {
    constructor(buffer: ArrayBuffer, filename?: string);
  }
  export class Dataset {
    readonly shape: readonly number[];
    readonly dtype: unknown;
    readonly attrs: Readonly<Record<string, unknown>>;
    readonly value: unknown;
  }
}
