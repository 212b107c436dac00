#!/bin/sh
# Builds blinky.gen.elf, or the file named as first argument. The same compiler gives the same bytes.
# compiler: 12.2.1
set -eu
cd "$(dirname "$0")"
arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -std=c11 -Os -g0 -ffreestanding -fno-builtin -nostdlib \
  -Wall -Wextra -Werror -Wconversion -Wshadow -Wno-array-bounds \
  -Wl,--build-id=none -Wl,-T,blinky.ld -Wl,-z,max-page-size=4 -o "${1:-blinky.gen.elf}" blinky.c
