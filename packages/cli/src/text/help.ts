import type { Option } from "commander";

/** What the help says of an option: its description, then whether it must be given, its choices and its default. */
export function describeOption({ description, mandatory, argChoices, defaultValue }: Option): string {
  const facts = [
    ...(mandatory ? ["required"] : []),
    ...(argChoices === undefined ? [] : [`one of ${argChoices.join(" | ")}`]),
    ...(hasDefault(defaultValue) ? [`default: ${defaultValue}`] : []),
  ];
  return facts.length === 0 ? description : `${description} (${facts.join("; ")})`;
}

/** Flags, empty lists and empty texts begin as nothing: there is nothing to say. */
const hasDefault = (value: unknown): boolean =>
  typeof value === "number" || (typeof value === "string" && value !== "");
