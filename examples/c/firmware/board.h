/* What differs from board to board. */
#ifndef BOARD_H
#define BOARD_H

#include <tslog.h>

/* The flash that the log lives on. */
void board_storage(tslog_storage *storage);

/* 16 bytes that no other device has, such as its serial number. */
void board_id(uint8_t id[16]);

void board_print(const char *text);

int main(void);

#endif
