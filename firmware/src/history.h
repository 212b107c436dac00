/* History of rows of the windowed kernels, oldest first. */
#ifndef GATELET_HISTORY_H
#define GATELET_HISTORY_H

#include "internal.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Moves the history of `kept` + `row_bytes` bytes down by a row and appends the layer's, or while it drains as many made up ones
 * as it takes, whose first `filled` values are lowest for a maximum, else 0. 1: a row is due.
 */
int gl_window_push(const gl_layer *layer, uint32_t kept, uint32_t row_bytes, uint32_t filled);

#ifdef __cplusplus
}
#endif

#endif
