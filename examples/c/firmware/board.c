/*
 * A board to try the example on: any Cortex-M with code at 0 and RAM at 0x20000000, with a NOR flash
 * that is simulated in RAM, and printing by semihosting, which a debugger or QEMU serves.
 *
 * For a device, replace the three functions that touch `nor` by its driver: read, program in whole
 * words, erase a sector.
 */
#include "board.h"

enum { SECTOR_SIZE = 512, SECTORS = 8, WORD_SIZE = 4 };

static uint8_t nor[SECTORS * SECTOR_SIZE];

static int nor_read(void *user, uint32_t address, void *out, uint32_t size)
{
    uint8_t *to = out;
    (void)user;
    while (size--) {
        *to++ = nor[address++];
    }
    return 0;
}

static int nor_program(void *user, uint32_t address, const void *data, uint32_t size)
{
    const uint8_t *from = data;
    (void)user;
    while (size--) {
        nor[address++] &= *from++;
    }
    return 0;
}

static int nor_erase(void *user, uint32_t address, uint32_t size)
{
    (void)user;
    while (size--) {
        nor[address++] = 0xFF;
    }
    return 0;
}

void board_storage(tslog_storage *storage)
{
    storage->size = sizeof *storage;
    storage->slot_count = SECTORS;
    storage->slot_size = SECTOR_SIZE;
    storage->write_size = WORD_SIZE;
    storage->user = NULL;
    storage->read = nor_read;
    storage->program = nor_program;
    storage->erase = nor_erase;
    storage->sync = NULL; /* NOR keeps what was programmed */
}

void board_id(uint8_t id[16])
{
    int at;
    for (at = 0; at < 16; at++) {
        id[at] = (uint8_t)at;
    }
}

/* Semihosting: the number of the call in r0, its argument in r1. */
static void semihosting(uint32_t call, uintptr_t argument)
{
    register uint32_t r0 __asm__("r0") = call;
    register uintptr_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void board_print(const char *text)
{
    semihosting(4, (uintptr_t)text);
}

static void leave(int failed)
{
    semihosting(0x18, failed ? 0x20023 : 0x20026);
    for (;;) {
    }
}

extern uint32_t data_from[], data_begin[], data_end[], bss_begin[], bss_end[];

void reset(void);
void fault(void);
void stack_top(void); /* an address that link.ld sets, in a table of functions */

void reset(void)
{
    uint32_t *from = data_from, *to;
    uint32_t address;
    for (to = data_begin; to < data_end;) {
        *to++ = *from++;
    }
    for (to = bss_begin; to < bss_end;) {
        *to++ = 0;
    }
    for (address = 0; address < sizeof nor; address += SECTOR_SIZE) {
        nor_erase(NULL, address, SECTOR_SIZE);
    }
    leave(main());
}

void fault(void)
{
    board_print("a fault\n");
    leave(1);
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    stack_top, reset, fault, fault, fault, fault, fault,
};
