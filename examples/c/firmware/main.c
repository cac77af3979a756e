/*
 * tslog on a microcontroller, in C: wakes, opens the log, stores samples, commits, hands them to an
 * uplink, and is reset without warning.
 *
 * This file is what a device would run; board.c is what differs from device to device: the flash,
 * and a place to print to. The log needs no heap and no C library.
 */
#include "board.h"

#include <tslog.h>

/* A sample: when, in seconds, and a temperature in hundredths of a degree. */
#define FORMAT "<Ih"
enum { RECORD_SIZE = 6, COMMIT_DELTA = 4, SAMPLES_A_BOOT = 10, BOOTS = 3 };

/* All the memory that the log uses. */
static tslog_flash log_memory;
static unsigned char batch[TSLOG_BUFFER_SIZE(RECORD_SIZE, COMMIT_DELTA)];
static tslog_error error;

static int failed(const char *what)
{
    board_print(what);
    board_print(": ");
    board_print(tslog_strerror(error.code));
    board_print("\n");
    return 1;
}

/* One life of the device; returns 0 if all went well. */
static int live(uint32_t boot, uint32_t *sent)
{
    static const tslog_format format = { FORMAT, "time:s,temperature:cdegC" };
    tslog_config config = TSLOG_CONFIG_INIT;
    tslog_storage storage;
    tslog_flash_reader uplink;
    tslog_value values[2];
    unsigned char record[RECORD_SIZE];
    uint32_t at;
    uint64_t seqn;
    int code;

    config.formats = &format;
    config.format_count = 1;
    config.commit_delta = COMMIT_DELTA;
    board_id(config.id);
    board_storage(&storage);
    if (tslog_flash_open_or_create(&log_memory, &storage, batch, sizeof batch, &config, &error)) {
        return failed("open");
    }
    for (at = 0; at < SAMPLES_A_BOOT; at++) {
        values[0] = tslog_uint(boot * 100 + at);
        values[1] = tslog_int(2050 - (int)at);
        if (tslog_pack(FORMAT, values, 2, record, sizeof record, NULL, &error)) {
            return failed("pack");
        }
        if (tslog_flash_store_record(&log_memory, record, sizeof record, NULL, &error)) {
            return failed("store");
        }
    }
    if (tslog_flash_commit(&log_memory, NULL, &error)) {
        return failed("commit");
    }
    if (tslog_flash_reader_open(&log_memory, 0, &uplink, &error)) {
        return failed("reader");
    }
    while ((code = tslog_flash_reader_next_record(&log_memory, &uplink, record, sizeof record,
                                                  &seqn, &error)) == TSLOG_OK) {
        if (tslog_unpack(FORMAT, record, sizeof record, values, 2, NULL, &error)) {
            return failed("unpack");
        }
        /* Here the values would be sent. Numbers follow one another, and so do the times. */
        at = *sent % SAMPLES_A_BOOT;
        if (seqn != ++*sent || values[0].as.uinteger != (*sent - 1) / SAMPLES_A_BOOT * 100 + at) {
            board_print("this is not what was stored\n");
            return 1;
        }
    }
    if (code != TSLOG_NONE) {
        return failed("next");
    }
    if (tslog_flash_reader_commit(&log_memory, &uplink, NULL, &error)) {
        return failed("acknowledge");
    }
    /* What is not committed is gone with the reset, and its number is given again. */
    if (tslog_flash_store_record(&log_memory, record, sizeof record, NULL, &error)) {
        return failed("store");
    }
    return 0;
}

int main(void)
{
    uint32_t boot, sent = 0;
    for (boot = 0; boot < BOOTS; boot++) {
        if (live(boot, &sent)) {
            return 1;
        }
    }
    board_print(sent == BOOTS * SAMPLES_A_BOOT ? "30 samples sent in 3 boots\n" : "samples lost\n");
    return sent != BOOTS * SAMPLES_A_BOOT;
}
