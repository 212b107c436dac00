/** A name of letters, digits and _ for C, from whatever a model is called. */
export function identifierOf(name: string): string {
  const cleaned = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "");
  return /^[a-z]/.test(cleaned) ? cleaned : `model_${cleaned || "unnamed"}`;
}
