// What the prebuilt modules of the linker leave out (build.mjs: `--use LINK_...`). The engines leave out nothing.

/** Bits of every weight; 0: as the record says. */
// @ts-ignore: decorator
@inline
export const WEIGHT_BITS: i32 = isDefined(LINK_BITS) ? LINK_BITS : 0;

/** Whether activations beside SIGMOID, TANH, LINEAR and RELU can occur. */
// @ts-ignore: decorator
@inline
export const RARE_ACTIVATIONS: bool = !isDefined(LINK_USUAL_ACTIVATIONS);

/** Whether tables are packed and made at start; the linker packs them itself and takes them as they are. */
// @ts-ignore: decorator
@inline
export const PACKED_TABLES: bool = !isDefined(LINK_PLAIN_TABLES);

/** Self-contained modules: fewer bytes of code and memory before speed. */
// @ts-ignore: decorator
@inline
export const FEWEST_BYTES: bool = !PACKED_TABLES;
