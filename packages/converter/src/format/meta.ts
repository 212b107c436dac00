import type { LayerMeta, ModelMeta } from "./spec.js";

type Json = unknown;
const isObject = (value: Json): value is Record<string, Json> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isString = (value: Json): value is string => typeof value === "string";
const isNumber = (value: Json): value is number => typeof value === "number";
const isList = (value: Json, of: (item: Json) => boolean): boolean => Array.isArray(value) && value.every(of);

const isLayer = (value: Json): value is LayerMeta =>
  isObject(value) &&
  isString(value["name"]) &&
  isString(value["class"]) &&
  Number.isInteger(value["record"]) &&
  ["scale", "sqnrDb"].every((key) => value[key] === undefined || isNumber(value[key]));

const CHECKS: Readonly<Record<string, (value: Json) => boolean>> = {
  name: isString,
  provenance: isString,
  classes: (value) => isList(value, isString),
  features: (value) => isList(value, isString),
  outputs: (value) => isList(value, isString),
  units: (value) => isList(value, isString),
  inputScale: (value) => isList(value, isNumber),
  inputOffset: (value) => isList(value, isNumber),
  frameRate: isNumber,
  layers: (value) => isList(value, isLayer),
  normalization: (value) => isObject(value) && isList(value["mean"], isNumber) && isList(value["std"], isNumber),
  float: (value) => isObject(value) && Object.values(value).every(isNumber),
};

/** META is a courtesy: what cannot be understood is dropped and named, and never refuses a model. */
export function readMeta(bytes: Uint8Array): { readonly meta: ModelMeta; readonly problems: readonly string[] } {
  let parsed: Json;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return { meta: {}, problems: ["meta section is not valid json"] };
  }
  if (!isObject(parsed)) return { meta: {}, problems: ["meta section is not a json object"] };
  const meta: ModelMeta = {};
  const problems: string[] = [];
  for (const [key, value] of Object.entries(parsed)) {
    if (key === "__proto__") continue;
    const check = Object.hasOwn(CHECKS, key) ? CHECKS[key]! : () => true;
    if (check(value)) meta[key] = value;
    else problems.push(`meta key ${key} has an unexpected type`);
  }
  return { meta, problems };
}
