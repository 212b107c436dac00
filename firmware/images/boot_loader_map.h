/*
 * Map of a runner that starts behind a boot loader, at RUNNER_IMAGE_START. Included before everything else (-include).
 * Frames lie before the model, so that an image is only as long as its model: code 32 KB | frames 32 KB | model.
 */
#ifndef GATELET_BOOT_LOADER_MAP_H
#define GATELET_BOOT_LOADER_MAP_H

#include "../board/nrf52840/runner_map.h"

#undef RUNNER_FRAMES_ADDRESS
#undef RUNNER_FRAMES_BYTES
#undef RUNNER_MODEL_ADDRESS
#undef RUNNER_MODEL_BYTES
#define RUNNER_FRAMES_ADDRESS (RUNNER_IMAGE_START + 0x8000)
#define RUNNER_FRAMES_BYTES 0x8000
#define RUNNER_MODEL_ADDRESS (RUNNER_IMAGE_START + 0x10000)
#define RUNNER_MODEL_BYTES (RUNNER_FLASH_BYTES - RUNNER_MODEL_ADDRESS)

#endif
