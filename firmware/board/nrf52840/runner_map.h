/*
 * Memory map of the runner firmware: where its two images lie in flash and what its result block holds. Shared with
 * TypeScript, which reads the plain `#define NAME VALUE` lines: keep them so. Described in firmware/README.md.
 */
#ifndef GATELET_RUNNER_MAP_H
#define GATELET_RUNNER_MAP_H

#define RUNNER_VERSION 1

/* nRF52840 */
#define RUNNER_FLASH_BASE 0x00000000
#define RUNNER_FLASH_BYTES 0x00100000
#define RUNNER_RAM_BASE 0x20000000
#define RUNNER_RAM_BYTES 0x00040000
#define RUNNER_CLOCK_HZ 64000000

/* flash: code below the model; a raw .gate file; frames with a header */
#define RUNNER_MODEL_ADDRESS 0x00010000
#define RUNNER_MODEL_BYTES 0x00090000
#define RUNNER_FRAMES_ADDRESS 0x000a0000
#define RUNNER_FRAMES_BYTES 0x00060000

/* RAM: stack at the bottom (an overflow leaves RAM), then variables, then the output log, the arena at the very end */
#define RUNNER_STACK_BYTES 1024

/* header of the frames image, u32 words; the frames follow, int16, one behind the other */
#define RUNNER_FRAMES_MAGIC 0x4d524647
#define RUNNER_FRAMES_HEADER_BYTES 32
#define RUNNER_FRAMES_MAGIC_AT 0
#define RUNNER_FRAMES_VERSION_AT 4
#define RUNNER_FRAMES_COUNT_AT 8
#define RUNNER_FRAMES_VALUES_AT 12
#define RUNNER_FRAMES_FLAGS_AT 16
#define RUNNER_FRAMES_RAM_BYTES_AT 20

/* flags of the frames image: instruction cache stays off; no text on the UART; each step's rows on the UART */
#define RUNNER_FLAG_NO_CACHE 1
#define RUNNER_FLAG_QUIET 2
#define RUNNER_FLAG_PRINT_ROWS 4

/* g_result, u32 words */
#define RUNNER_RESULT_MAGIC 0x53524547
#define RUNNER_RESULT_MAGIC_AT 0
#define RUNNER_RESULT_VERSION_AT 4
#define RUNNER_RESULT_STATUS_AT 8
#define RUNNER_RESULT_FINISHED_AT 12
#define RUNNER_RESULT_FRAMES_AT 16
#define RUNNER_RESULT_ROWS_AT 20
#define RUNNER_RESULT_ROW_BYTES_AT 24
#define RUNNER_RESULT_OUTPUT_CRC_AT 28
#define RUNNER_RESULT_STATE_CRC_AT 32
#define RUNNER_RESULT_CYCLES_AT 36
#define RUNNER_RESULT_CYCLES_HIGH_AT 40
#define RUNNER_RESULT_MODEL_CRC_AT 44
#define RUNNER_RESULT_ARENA_AT 48
#define RUNNER_RESULT_ARENA_BYTES_AT 52
#define RUNNER_RESULT_STATE_BYTES_AT 56
#define RUNNER_RESULT_LOG_AT 60
#define RUNNER_RESULT_LOG_BYTES_AT 64
#define RUNNER_RESULT_LOG_USED_AT 68
#define RUNNER_RESULT_STACK_USED_AT 72
#define RUNNER_RESULT_LAYERS_AT 76
#define RUNNER_RESULT_LAYER_CYCLES_AT 80
#define RUNNER_RESULT_LAYERS_MAXIMUM 257

/* statuses of the runner itself, beside those of the library; a fault gives RUNNER_STATUS_FAULT - exception number */
#define RUNNER_STATUS_NO_FRAMES -100
#define RUNNER_STATUS_FRAME_SIZE -101
#define RUNNER_STATUS_NO_MODEL -102
#define RUNNER_STATUS_FAULT -200

#endif
