import {
  countersEnd,
  type GateModel,
  INPUT_KIND,
  isStateOutput,
  lastReaders,
  readModel,
  SECTION,
} from "@gatelet/converter/format";
import { transformName } from "../gate-facts.js";
import type { MapBlock } from "../text/address-map.js";
import { type LayerReport, layerReports } from "./layer-report.js";

/** A piece of the arena and the records during which it is in use. */
export interface ArenaBlock extends MapBlock {
  readonly kind: "header" | "state" | "row" | "scratch";
  readonly record: number | null;
  /** Records during which the bytes are in use: from, to (states: always). */
  readonly from: number;
  readonly to: number;
}

/** Everything that `gatelet inspect` says about a file. */
export interface ModelReport {
  readonly name: string;
  readonly fileBytes: number;
  readonly crc32: number;
  readonly formatVersion: number;
  /** Frames in a window; null: a stream model. */
  readonly window: number | null;
  readonly frameSize: number;
  readonly inputKind: "frames" | "tokens";
  readonly outputSize: number;
  readonly outputTransform: "none" | "softmax" | "sigmoid";
  readonly features: readonly string[];
  readonly units: readonly string[];
  readonly classes: readonly string[];
  readonly provenance: string;
  readonly parameters: number;
  readonly macs: number;
  /** Predicted cycles of the layers together; null where one is not predicted. */
  readonly cycles: number | null;
  readonly arenaBytes: number;
  readonly stateBytes: number;
  readonly scratchBytes: number;
  readonly layers: readonly LayerReport[];
  readonly flash: readonly MapBlock[];
  readonly arena: readonly ArenaBlock[];
}

/**
 * Reads a `.gate` file and lays out what is in it.
 * Throws FormatError where the file is refused, with the status as `code`.
 */
export function inspectModel(bytes: Uint8Array): ModelReport {
  const model = readModel(bytes);
  const { header, meta } = model;
  const layers = layerReports(model);
  return {
    name: meta.name ?? "unnamed",
    fileBytes: header.fileBytes,
    crc32: header.crc32,
    formatVersion: header.formatVersion,
    window: header.window === 0 ? null : header.window,
    frameSize: header.frameSize,
    inputKind: header.inputKind === INPUT_KIND.TOKENS ? "tokens" : "frames",
    outputSize: header.outputSize,
    outputTransform: transformName(header.outputTransform),
    features: meta.features ?? [],
    units: meta.units ?? [],
    classes: meta.classes ?? [],
    provenance: meta.provenance ?? "",
    parameters: layers.reduce((sum, layer) => sum + layer.parameters, 0),
    macs: layers.reduce((sum, layer) => sum + layer.macs, 0),
    cycles: layers.reduce<number | null>(
      (sum, { cycles }) => (sum === null || cycles === null ? null : sum + cycles),
      0,
    ),
    arenaBytes: header.arenaBytes,
    stateBytes: header.stateBytes,
    scratchBytes: header.scratchBytes,
    layers,
    flash: flashBlocks(model, layers),
    arena: arenaBlocks(model, layers),
  };
}

const SECTION_WORDS = new Map<number, string>([
  [SECTION.RECORDS, "layer records"],
  [SECTION.META, "metadata"],
]);

/** The file from its first byte to its last: header, sections, and the tensors layer by layer. */
function flashBlocks(model: GateModel, layers: readonly LayerReport[]): MapBlock[] {
  const { sections, records } = model;
  const blocks: MapBlock[] = [{ label: "header", offset: 0, bytes: sections[0]!.offset }];
  for (const { id, offset, bytes } of sections) {
    if (id !== SECTION.TENSORS) blocks.push({ label: SECTION_WORDS.get(id) ?? `section ${id}`, offset, bytes });
  }
  const tensors = records.flatMap(({ index, fields, needs }) =>
    (["weights", "rowParams", "table", "gateTable", "aux"] as const)
      .filter((name) => needs[name] > 0)
      .map((name) => ({ label: layers[index]!.name, offset: fields[name], bytes: needs[name] })),
  );
  tensors.sort((a, b) => a.offset - b.offset);
  const merged: { label: string; offset: number; bytes: number }[] = [];
  for (const tensor of tensors) {
    const last = merged.at(-1);
    const end = last === undefined ? -1 : last.offset + last.bytes;
    if (last !== undefined && tensor.offset < end) continue;
    if (last !== undefined && last.label === tensor.label && tensor.offset - end < 16) {
      last.bytes = tensor.offset + tensor.bytes - last.offset;
    } else {
      merged.push({ ...tensor });
    }
  }
  return [...blocks, ...merged].sort((a, b) => a.offset - b.offset);
}

function arenaBlocks(model: GateModel, layers: readonly LayerReport[]): ArenaBlock[] {
  const { records } = model;
  const end = records.length - 1;
  const readers = lastReaders(records.map(({ fields }) => fields));
  const counters = { label: "counters", offset: 0, bytes: countersEnd(records.length) };
  const blocks: ArenaBlock[] = [{ ...counters, kind: "header", record: null, from: 0, to: end }];
  for (const { index, kernel, fields, needs } of records) {
    const { name } = layers[index]!;
    const add = (kind: ArenaBlock["kind"], label: string, offset: number, bytes: number, to: number) => {
      if (bytes === 0) return;
      const always = kind === "state";
      blocks.push({
        label,
        offset,
        bytes,
        kind,
        record: index,
        from: always ? 0 : index,
        to: always ? end : to,
        shared: !always,
      });
    };
    add("state", `${name} state`, fields.state, needs.state, end);
    if (!isStateOutput(kernel)) add("row", `${name} row`, fields.output, needs.output, readers[index]!);
    add("scratch", `${name} scratch`, fields.scratch, needs.scratch, index);
  }
  return blocks.sort((a, b) => a.offset - b.offset || a.from - b.from);
}
