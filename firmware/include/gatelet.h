/*
 * Gatelet: quantized recurrent networks from one `.gate` file, read in place. C11 or C++, no heap, no float, no globals.
 *
 *   static _Alignas(16) uint8_t arena[ARENA_BYTES];
 *   gatelet_model model;
 *   gatelet_stream stream;
 *   if (gatelet_check(&model, har_gate, sizeof har_gate) != GATELET_STATUS_OK) ...
 *   if (gatelet_init(&stream, &model, arena, sizeof arena) != GATELET_STATUS_OK) ...
 *   int32_t rows = gatelet_step(&stream, frame, output, sizeof output);     > 0: rows of the output, < 0: a status
 *
 * One model serves any number of streams. Nothing is kept outside of the structs and the arena. Statuses are negative.
 */
#ifndef GATELET_H
#define GATELET_H

#include <stdint.h>

#include "gatelet_format.gen.h"

#if GATELET_GENERATED_FORMAT_VERSION != 1 || GATELET_FORMAT_VERSION != 1
#error "gatelet_format.gen.h is a stale copy: npm run generate"
#endif

#if defined(__GNUC__)
#define GATELET_CHECKED __attribute__((warn_unused_result))
#else
#define GATELET_CHECKED
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A checked model. Filled by gatelet_check; read only. The file must stay where it is. */
typedef struct gatelet_model {
  const uint8_t *bytes;
  const uint8_t *records;
  uint32_t file_bytes;
  uint32_t crc;
  /* bytes that one stream needs: state_bytes survive between steps, the rest is scratch */
  uint32_t arena_bytes;
  uint32_t state_bytes;
  /* frames in a window; 0: the stream never ends */
  uint32_t window;
  uint32_t max_output_rows;
  uint32_t vocabulary_size;
  uint16_t record_count;
  /* int16 values in a frame; values in an output row */
  uint16_t frame_size;
  uint16_t output_size;
  /* GATELET_INPUT_KIND_*, GATELET_OUTPUT_TYPE_*, GATELET_OUTPUT_TRANSFORM_* */
  uint8_t input_kind;
  uint8_t output_type;
  uint8_t output_transform;
} gatelet_model;

/* One running sequence: a model and an arena. */
typedef struct gatelet_stream {
  const gatelet_model *model;
  uint8_t *arena;
} gatelet_stream;

/* What gatelet_describe tells of a layer. */
typedef struct gatelet_layer_info {
  /* GATELET_KERNEL_*, 8 or 4 (0: no weights), producing layer (GATELET_NO_INPUT for the first) */
  uint8_t kernel;
  uint8_t bits;
  uint16_t input;
  uint16_t input_size;
  uint16_t output_size;
  /* rows in a window, 0 in stream models */
  uint32_t rows_in;
  uint32_t rows_out;
  uint32_t state_bytes;
  uint32_t scratch_bytes;
} gatelet_layer_info;

/*
 * Checks a whole file and fills `model`: after GATELET_STATUS_OK no input can make a step leave its bounds.
 * bytes: 16-byte aligned. Cost: one CRC pass over the file, and records squared.
 */
GATELET_CHECKED int32_t gatelet_check(gatelet_model *model, const void *bytes, uint32_t length);

/* Binds a model to an arena of at least model->arena_bytes, 16-byte aligned, and resets it. */
GATELET_CHECKED int32_t gatelet_init(gatelet_stream *stream, const gatelet_model *model, void *arena,
                                     uint32_t arena_bytes);

/*
 * Pushes one frame: frame_size int16 (a token: one uint16).
 * output: room for max_output_rows rows of gatelet_row_bytes(); rows lie one behind the other, int16 or int32.
 * Returns the number of rows written (0 while a window fills) or a status; after a status but GATELET_STATUS_SCHEDULE the
 * stream is as before.
 */
GATELET_CHECKED int32_t gatelet_step(gatelet_stream *stream, const int16_t *frame, void *output, uint32_t output_bytes);

/*
 * The same for `count` frames one behind the other. Stops with GATELET_STATUS_OUTPUT_TOO_SMALL before a frame whose rows
 * might not fit. Returns all rows.
 */
GATELET_CHECKED int32_t gatelet_run(gatelet_stream *stream, const int16_t *frames, uint32_t count, void *output,
                                    uint32_t output_bytes);

/* Begins anew. */
GATELET_CHECKED int32_t gatelet_reset(gatelet_stream *stream);

/* Saved state (FORMAT.md 8), the same bytes in every engine. */
uint32_t gatelet_saved_bytes(const gatelet_model *model);
GATELET_CHECKED int32_t gatelet_save(const gatelet_stream *stream, void *blob, uint32_t blob_bytes);
/* Checks everything before it writes anything. */
GATELET_CHECKED int32_t gatelet_restore(gatelet_stream *stream, const void *blob, uint32_t blob_bytes);

/* Bytes of one output row. */
uint32_t gatelet_row_bytes(const gatelet_model *model);
GATELET_CHECKED int32_t gatelet_describe(const gatelet_model *model, uint32_t layer, gatelet_layer_info *info);
/* Name of a status, e.g. "BAD_CRC". Not linked where it is not called. */
const char *gatelet_status_name(int32_t status);

/*
 * With GATELET_PROFILE=1 the program defines this. It is called before layer 0 .. record_count - 1 of every tick, and
 * with record_count behind the last one.
 */
void gatelet_profile(uint32_t layer);

#ifdef __cplusplus
}
#endif

#endif
