/*
 * What a runner behind a boot loader does differently: exceptions come to its own vectors, and text leaves by a pin that
 * can be changed in the image. Linked with --wrap=board_uart_start.
 */
#include "../board/nrf52840/nrf52840.h"

/* Port * 32 + pin. An image writer patches this word; the default is TX of the Arduino Nano 33 BLE, P1.03. */
extern const uint32_t boot_loader_uart_pin;
const uint32_t boot_loader_uart_pin = 35u;

extern uint32_t _flash_start[];

void __real_board_uart_start(uint32_t pin);
void __wrap_board_uart_start(uint32_t pin);

#define VTOR 0xe000ed08u

void __wrap_board_uart_start(uint32_t pin) {
  (void)pin;
  *(volatile uint32_t *)VTOR = (uint32_t)(uintptr_t)_flash_start;
  __real_board_uart_start(*(const volatile uint32_t *)&boot_loader_uart_pin);
}
