/* The little of the nRF52840 that the runner uses. Registers: nRF52840 product specification, Armv7-M manual. */
#ifndef GATELET_NRF52840_H
#define GATELET_NRF52840_H

#include <stddef.h>
#include <stdint.h>

/* The program. */
void board_main(void);
/* Called in the handler of a fault. */
void board_fault(uint32_t exception);

/* Cycle counter of the core; starts at 0. */
void board_start_cycles(void);
static inline uint32_t board_cycles(void) { return *(volatile uint32_t *)0xe0001004u; }

/* Instruction cache of the flash. Data reads are never cached. */
void board_enable_cache(void);

/* UARTE at 115200 baud, transmit only. */
void board_uart_start(uint32_t pin);
void board_print(const char *text);
void board_print_hex(uint32_t value);
void board_print_decimal(uint32_t value);

#endif
