/*
 * Stores and reads until it is killed, and checks what the killed one before it left.
 *
 *   writer FOLDER [COMMITTED CURSOR]
 *
 * At start it looks at every record there is: each must be whole and the one of its number, the last
 * at least COMMITTED, and the cursor at least CURSOR, which is what was acknowledged before the
 * kill. It then prints "found LAST CURSOR", "commit N" once record N is durable, and "cursor N" once
 * that is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tslog.h>

enum { RECORD_SIZE = 48, COMMIT_DELTA = 7, BUCKET_SIZE = 64 };

static tslog_error error;

static void must(int code, const char *what)
{
    if (code != TSLOG_OK) {
        fprintf(stderr, "%s: %d: %s\n", what, code, error.message);
        exit(1);
    }
}

/* The record of a number: bytes that only this number has. */
static void fill(unsigned char *record, uint64_t seqn)
{
    int at;
    for (at = 0; at < RECORD_SIZE; at++) {
        seqn = seqn * 6364136223846793005u + 1442695040888963407u;
        record[at] = (unsigned char)(seqn >> 56);
    }
}

static void check_record(const unsigned char *record, uint64_t seqn)
{
    unsigned char wanted[RECORD_SIZE];
    fill(wanted, seqn);
    if (memcmp(record, wanted, RECORD_SIZE) != 0) {
        fprintf(stderr, "record %" PRIu64 " is not what was stored\n", seqn);
        exit(1);
    }
}

/* Looks at every record there is, and gives the last number. */
static uint64_t check_all(const char *folder)
{
    unsigned char records[16 * RECORD_SIZE];
    tslog_batch batch;
    tslog_range range;
    tslog_view *view;
    uint64_t next;
    uint32_t at;
    int code;

    must(tslog_view_open(folder, &view, &error), "view");
    must(tslog_view_numbers(view, &range, &error), "numbers");
    next = range.first;
    while ((code = tslog_view_read(view, records, sizeof records, &batch, &error)) == TSLOG_OK) {
        for (at = 0; at < batch.count; at++, next++) {
            if (batch.first + at != next) {
                fprintf(stderr, "record %" PRIu64 " is not there\n", next);
                exit(1);
            }
            check_record(records + (size_t)at * RECORD_SIZE, next);
        }
    }
    if (code != TSLOG_NONE || next != range.last + 1) {
        fprintf(stderr, "reading ends at %" PRIu64 " of %" PRIu64 ": %s\n", next, range.last,
                error.message);
        exit(1);
    }
    tslog_view_close(view, NULL);
    return range.last;
}

int main(int argc, char **argv)
{
    tslog_config config = TSLOG_CONFIG_INIT;
    tslog_log *log;
    tslog_reader *reader;
    unsigned char record[RECORD_SIZE];
    uint64_t last = 0, cursor, seqn, committed;

    if (argc != 2 && argc != 4) {
        fprintf(stderr, "usage: %s FOLDER [COMMITTED CURSOR]\n", argv[0]);
        return 2;
    }
    config.record_size = RECORD_SIZE;
    config.bucket_size = BUCKET_SIZE;
    config.commit_delta = COMMIT_DELTA;
    must(tslog_log_open(argv[1], &config, 0, &log, &error), "open");
    must(tslog_reader_open(log, 0, &reader, &error), "reader");
    must(tslog_reader_cursor(reader, &cursor, &error), "cursor");
    last = check_all(argv[1]);
    if (argc == 4 && (last < strtoull(argv[2], NULL, 10) || cursor < strtoull(argv[3], NULL, 10))) {
        fprintf(stderr, "lost: %s and %s were acknowledged, %" PRIu64 " and %" PRIu64 " are there\n",
                argv[2], argv[3], last, cursor);
        return 1;
    }
    if (cursor > last) {
        fprintf(stderr, "the cursor %" PRIu64 " is beyond the last record, %" PRIu64 "\n", cursor,
                last);
        return 1;
    }
    printf("found %" PRIu64 " %" PRIu64 "\n", last, cursor);
    for (committed = last;;) {
        fill(record, last + 1);
        must(tslog_log_store_record(log, record, sizeof record, &seqn, &error), "store");
        if (seqn != ++last) {
            fprintf(stderr, "the record got number %" PRIu64 ", not %" PRIu64 "\n", seqn, last);
            return 1;
        }
        if (last % 5 == 0) {
            must(tslog_log_commit(log, NULL, &error), "commit");
            committed = last;
        } else if (last - committed == COMMIT_DELTA) {
            committed = last;
        }
        if (committed == last) {
            printf("commit %" PRIu64 "\n", committed);
            fflush(stdout);
        }
        if (tslog_reader_next_record(reader, 0, record, sizeof record, &seqn, &error) == TSLOG_OK) {
            check_record(record, seqn);
            if (seqn % 3 == 0) {
                must(tslog_reader_commit(reader, &cursor, &error), "commit of the reader");
                printf("cursor %" PRIu64 "\n", cursor);
                fflush(stdout);
            }
        }
    }
}
