import { createHash } from "node:crypto";

/** SHA-256 of the records of a batch. */
export function digest(records: Uint32Array): string {
  return createHash("sha256")
    .update(new Uint8Array(records.buffer, records.byteOffset, records.byteLength))
    .digest("hex");
}

/** Batches whose records QEMU 7.2 made once; oracle.test.ts checks the digests again wherever QEMU is installed. */
export const GOLDEN = [
  {
    seed: 1,
    snippets: 200,
    runsEach: 8,
    length: 22,
    sha256: "d9f51b12f215eedf663c7da6df6b93b7627861b51b6bb6bab604108eb6991043",
  },
  {
    seed: 2,
    snippets: 200,
    runsEach: 8,
    length: 22,
    sha256: "b4aaec25ba5f86856fa7a7d44b59b3c9e68b8bec26459298e3f34e74cac93a95",
  },
] as const;
