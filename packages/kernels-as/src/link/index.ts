export { componentOf, componentWit } from "./component.js";
export type { ComponentDescription } from "./component-data.js";
export { checkLinkedModule, type LinkedProfile } from "./constraints.js";
export { isDirectKernel } from "./direct.js";
export type { LinkFacts, LinkRecord } from "./facts.js";
export { kernelsFor } from "./kernel-modules.js";
export type { Layout } from "./layout.js";
export { LINKED_FUNCTIONS, type LinkedModule, type LinkOptions, linkModule } from "./link.js";
