/* The API for folders. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"

#include <dirent.h>
#include <float.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static tslog_log *open_with(const char *folder, const char *format, const char *fields,
                            uint32_t commit_delta)
{
    tslog_config config = TSLOG_CONFIG_INIT;
    tslog_format one;
    tslog_log *log = NULL;
    one.format = format;
    one.fields = fields;
    config.formats = &one;
    config.format_count = 1;
    config.commit_delta = commit_delta;
    OK(tslog_log_open(folder, &config, 0, &log, &error));
    CHECK(log != NULL);
    return log;
}

static tslog_log *open_raw(const char *folder, uint32_t record_size, uint32_t commit_delta)
{
    tslog_config config = TSLOG_CONFIG_INIT;
    tslog_log *log = NULL;
    config.record_size = record_size;
    config.commit_delta = commit_delta;
    OK(tslog_log_open(folder, &config, 0, &log, &error));
    return log;
}

static tslog_reader *reader_of(tslog_log *log, uint32_t n)
{
    tslog_reader *reader = NULL;
    OK(tslog_reader_open(log, n, &reader, &error));
    return reader;
}

static void values_of_every_kind_come_back(void)
{
    tslog_log *kinds = open_with(below("kinds"), "<bBhHiIqQ?efd3sc5p2x", NULL, 1);
    tslog_reader *reader = reader_of(kinds, 0);
    tslog_value in[15], out[15];
    unsigned char record[64];
    tslog_record got;
    uint64_t seqn = 0;

    in[0] = tslog_int(-128);
    in[1] = tslog_uint(255);
    in[2] = tslog_int(-32768);
    in[3] = tslog_int(65535);
    in[4] = tslog_int(INT32_MIN);
    in[5] = tslog_uint(UINT32_MAX);
    in[6] = tslog_int(INT64_MIN);
    in[7] = tslog_uint(UINT64_MAX);
    in[8] = tslog_bool(7);
    in[9] = tslog_float(0.5);
    in[10] = tslog_float(1.25);
    in[11] = tslog_float(DBL_MAX);
    in[12] = tslog_bytes("ab", 2);
    in[13] = tslog_bytes("z", 1);
    in[14] = tslog_bytes("abcdefgh", 8);
    OK(tslog_log_store(kinds, in, 15, &seqn, &error));
    CHECK(seqn == 1);
    OK(tslog_reader_next(reader, 0, record, sizeof record, out, 15, &got, &error));
    CHECK(got.seqn == 1 && got.tag == 0 && got.count == 15);
    CHECK(out[0].kind == TSLOG_INT && out[0].as.integer == -128);
    CHECK(out[1].kind == TSLOG_UINT && out[1].as.uinteger == 255);
    CHECK(out[2].as.integer == -32768 && out[3].as.uinteger == 65535);
    CHECK(out[4].as.integer == INT32_MIN && out[5].as.uinteger == UINT32_MAX);
    CHECK(out[6].as.integer == INT64_MIN && out[7].as.uinteger == UINT64_MAX);
    CHECK(out[8].kind == TSLOG_BOOL && out[8].as.boolean == 1);
    CHECK(out[9].kind == TSLOG_FLOAT && out[9].as.real == 0.5);
    CHECK(out[10].as.real == 1.25 && out[11].as.real == DBL_MAX);
    CHECK(out[12].kind == TSLOG_BYTES && out[12].as.bytes.size == 3);
    CHECK(memcmp(out[12].as.bytes.data, "ab\0", 3) == 0);
    CHECK((const unsigned char *)out[12].as.bytes.data > record &&
          (const unsigned char *)out[12].as.bytes.data < record + sizeof record);
    CHECK(out[14].as.bytes.size == 4 && memcmp(out[14].as.bytes.data, "abcd", 4) == 0);
    OK(tslog_reader_close(reader, &error));
    OK(tslog_log_close(kinds, &error));
}

static void values_that_do_not_fit_are_refused_and_take_no_number(void)
{
    tslog_log *log = open_with(below("refused"), "<Bf", NULL, 1);
    tslog_value values[3];
    uint64_t seqn = 99, count = 7;

    values[0] = tslog_int(256);
    values[1] = tslog_float(1);
    values[2] = tslog_bool(0);
    GIVES(TSLOG_E_INVALID, tslog_log_store(log, values, 2, &seqn, &error));
    CHECK(error.what == TSLOG_INVALID_VALUES_VALUE && error.index == 0 && seqn == 99);
    SAYS("values[0] must be an integer from 0 to 255, got 256");
    values[0] = tslog_int(255);
    GIVES(TSLOG_E_INVALID, tslog_log_store(log, values, 3, &seqn, &error));
    CHECK(error.what == TSLOG_INVALID_VALUES_COUNT && error.expected == 2 && error.got == 3);
    values[1].kind = 17;
    GIVES(TSLOG_E_ARGUMENT, tslog_log_store(log, values, 2, &seqn, &error));
    CHECK(error.what == TSLOG_ARGUMENT_KIND && error.index == 1 && error.got == 17);
    values[1] = tslog_bytes(NULL, 3);
    GIVES(TSLOG_E_ARGUMENT, tslog_log_store(log, values, 2, &seqn, &error));
    CHECK(error.what == TSLOG_ARGUMENT_NULL);
    GIVES(TSLOG_E_ARGUMENT, tslog_log_store(log, NULL, 2, &seqn, &error));
    values[1] = tslog_float(1);
    GIVES(TSLOG_E_INVALID, tslog_log_store_with_tag(log, 0, values, 2, &seqn, &error));
    CHECK(error.what == TSLOG_INVALID_FORMATS && error.got == 1);
    OK(tslog_log_commit(log, &count, &error));
    CHECK(count == 0);
    OK(tslog_log_store(log, values, 2, &seqn, NULL));
    CHECK(seqn == 1);
    OK(tslog_log_close(log, NULL));
}

static void tags_choose_the_format_and_come_back(void)
{
    const tslog_format formats[2] = { { "<Qff", "t:s,a,b" }, { "<Qiii", "" } };
    tslog_config config = TSLOG_CONFIG_INIT;
    tslog_log *log;
    tslog_reader *reader;
    tslog_value values[4];
    unsigned char record[21];
    tslog_record got;
    tslog_shape shape;
    char format[8], fields[16];
    uint64_t seqn;

    config.formats = formats;
    config.format_count = 2;
    config.commit_delta = 1;
    OK(tslog_log_open(below("tags"), &config, 0, &log, &error));
    values[0] = tslog_uint(100);
    values[1] = tslog_float(1);
    values[2] = tslog_float(2);
    OK(tslog_log_store_with_tag(log, 0, values, 3, NULL, &error));
    values[1] = tslog_int(1);
    values[2] = tslog_int(2);
    values[3] = tslog_int(-3);
    OK(tslog_log_store_with_tag(log, 1, values, 4, &seqn, &error));
    CHECK(seqn == 2);
    GIVES(TSLOG_E_INVALID, tslog_log_store(log, values, 4, NULL, &error));
    CHECK(error.what == TSLOG_INVALID_FORMATS && error.got == 2);
    GIVES(TSLOG_E_INVALID, tslog_log_store_with_tag(log, 2, values, 4, NULL, &error));
    CHECK(error.what == TSLOG_INVALID_TAG && error.got == 2 && error.expected == 2);
    GIVES(TSLOG_E_INVALID, tslog_log_store_with_tag(log, 256, values, 4, NULL, &error));
    CHECK(error.what == TSLOG_INVALID_TAG && error.got == 256);

    reader = reader_of(log, 0);
    OK(tslog_shape_of(reader, &shape, &error));
    CHECK(shape.record_size == 21 && shape.format_count == 2 && shape.values_max == 4);
    OK(tslog_format_of(log, 0, format, sizeof format, fields, sizeof fields, &error));
    CHECK(strcmp(format, "<Qff") == 0 && strcmp(fields, "t:s,a,b") == 0);
    GIVES(TSLOG_E_ARGUMENT, tslog_format_of(log, 0, format, 4, fields, sizeof fields, &error));
    CHECK(error.what == TSLOG_ARGUMENT_ROOM && error.expected == 5 && error.got == 4);
    GIVES(TSLOG_E_INVALID, tslog_format_of(log, 2, format, 8, fields, 16, &error));
    CHECK(error.what == TSLOG_INVALID_TAG);

    /* Too little room is refused before the reader moves. */
    GIVES(TSLOG_E_ARGUMENT, tslog_reader_next(reader, 0, record, sizeof record, values, 3, &got,
                                              &error));
    CHECK(error.what == TSLOG_ARGUMENT_ROOM && error.expected == 4 && error.got == 3);
    GIVES(TSLOG_E_INVALID, tslog_reader_next(reader, 0, record, 20, values, 4, &got, &error));
    CHECK(error.what == TSLOG_INVALID_BUFFER && error.expected == 21 && error.got == 20);
    OK(tslog_reader_peek(reader, 0, record, sizeof record, values, 4, &got, &error));
    CHECK(got.seqn == 1 && got.tag == 0 && got.count == 3 && values[2].as.real == 2);
    OK(tslog_reader_next(reader, 0, record, sizeof record, values, 4, &got, &error));
    CHECK(got.seqn == 1);
    OK(tslog_reader_next_record(reader, 0, record, sizeof record, &seqn, &error));
    CHECK(seqn == 2 && record[0] == 1);
    OK(tslog_decode(reader, record, sizeof record, values, 4, &got, &error));
    CHECK(got.tag == 1 && got.count == 4 && values[3].as.integer == -3);
    record[0] = 9;
    GIVES(TSLOG_E_INVALID, tslog_decode(log, record, sizeof record, values, 4, &got, &error));
    CHECK(error.what == TSLOG_INVALID_TAG && error.got == 9);
    OK(tslog_log_store_record(log, record, sizeof record, NULL, &error));
    OK(tslog_log_store_with_tag(log, 1, values, 4, NULL, &error));
    GIVES(TSLOG_E_INVALID, tslog_reader_next(reader, 0, record, sizeof record, values, 4, &got,
                                             &error));
    CHECK(error.what == TSLOG_INVALID_TAG && error.got == 9 && record[0] == 9);
    OK(tslog_reader_next(reader, 0, record, sizeof record, values, 4, &got, &error));
    CHECK(got.seqn == 4 && got.tag == 1);
    OK(tslog_log_close(log, &error));
    OK(tslog_reader_close(reader, &error));
}

static void raw_records_are_filled_up_and_never_cut(void)
{
    tslog_log *log = open_raw(below("raw"), 8, 1);
    tslog_reader *reader = reader_of(log, 0);
    unsigned char record[8];
    tslog_value value;
    tslog_record got;
    uint64_t cursor;

    OK(tslog_log_store_record(log, "abc", 3, NULL, &error));
    OK(tslog_log_store_record(log, NULL, 0, NULL, &error));
    GIVES(TSLOG_E_INVALID, tslog_log_store_record(log, "123456789", 9, NULL, &error));
    CHECK(error.what == TSLOG_INVALID_RECORD && error.expected == 8 && error.got == 9);
    GIVES(TSLOG_E_INVALID, tslog_reader_next(reader, 0, record, 8, &value, 1, &got, &error));
    CHECK(error.what == TSLOG_INVALID_FORMATS && error.got == 0);
    OK(tslog_reader_cursor(reader, &cursor, &error));
    CHECK(cursor == 0);
    OK(tslog_reader_peek_record(reader, 0, record, 8, NULL, &error));
    CHECK(memcmp(record, "abc\0\0\0\0", 8) == 0);
    OK(tslog_reader_next_record(reader, 0, record, 8, NULL, &error));
    OK(tslog_reader_next_record(reader, 0, record, 8, NULL, &error));
    CHECK(memcmp(record, "\0\0\0\0\0\0\0", 8) == 0);
    GIVES(TSLOG_NONE, tslog_reader_next_record(reader, 0, record, 8, NULL, &error));
    OK(tslog_reader_close(reader, &error));
    OK(tslog_log_close(log, &error));
}

static void readers_see_what_is_committed_and_acknowledge_it(void)
{
    tslog_log *log = open_raw(below("readers"), 8, 4);
    tslog_reader *reader = reader_of(log, 0), *newer;
    unsigned char records[64];
    tslog_batch batch;
    tslog_stats stats;
    uint64_t at, count, cursor;

    for (at = 1; at <= 6; at++) {
        OK(tslog_log_store_record(log, &at, sizeof at, NULL, &error));
    }
    OK(tslog_log_uncommitted(log, &count, &error));
    OK(tslog_reader_lag(reader, &at, &error));
    CHECK(count == 2 && at == 4);
    OK(tslog_reader_read_batch(reader, records, sizeof records, &batch, &error));
    CHECK(batch.first == 1 && batch.count == 4);
    memcpy(&at, records + 24, sizeof at);
    CHECK(at == 4);
    GIVES(TSLOG_NONE, tslog_reader_read_batch(reader, records, sizeof records, &batch, &error));
    OK(tslog_log_stats(log, &stats, &error));
    CHECK(stats.seqn == 6 && stats.committed == 4 && stats.lag == 2);
    OK(tslog_log_commit(log, &at, &error));
    CHECK(at == 6);
    OK(tslog_reader_uncommitted(reader, &count, &error));
    CHECK(count == 4);
    OK(tslog_reader_seek(reader, 3, &error));
    GIVES(TSLOG_E_INVALID, tslog_reader_seek(reader, 8, &error));
    CHECK(error.what == TSLOG_INVALID_SEQN && error.got == 8 && error.last == 6);
    OK(tslog_reader_next_record(reader, 0, records, 8, &at, &error));
    CHECK(at == 3);
    OK(tslog_reader_commit(reader, &cursor, &error));
    CHECK(cursor == 3);
    OK(tslog_reader_next_record(reader, 0, records, 8, &at, &error));

    /* A newer handle begins at the committed cursor and takes the place of the older. */
    newer = reader_of(log, 0);
    OK(tslog_reader_next_record(newer, 0, records, 8, &at, &error));
    CHECK(at == 4);
    GIVES(TSLOG_E_CLOSED, tslog_reader_next_record(reader, 0, records, 8, &at, &error));
    OK(tslog_log_close(log, &error));
    GIVES(TSLOG_E_CLOSED, tslog_reader_commit(newer, NULL, &error));
    OK(tslog_reader_close(newer, &error));
    OK(tslog_reader_close(reader, &error));
}

static void closing_commits_and_abandoning_does_not(void)
{
    const char *folder = below("ends");
    tslog_log *log = open_raw(folder, 8, 100);
    tslog_reader *reader;
    tslog_report report;
    uint64_t seqn;

    OK(tslog_log_store_record(log, "kept", 4, NULL, &error));
    OK(tslog_log_close(log, &error));
    OK(tslog_log_close(log, &error));
    GIVES(TSLOG_E_CLOSED, tslog_log_commit(log, NULL, &error));
    SAYS("this handle is closed");
    log = open_raw(folder, 8, 100);
    OK(tslog_log_report(log, &report, &error));
    CHECK(report.clean == 1);
    OK(tslog_log_store_record(log, "gone", 4, &seqn, &error));
    CHECK(seqn == 2);
    reader = reader_of(log, 0);
    OK(tslog_log_abandon(log, &error));
    OK(tslog_log_abandon(log, &error));
    GIVES(TSLOG_E_LOCKED, tslog_log_open(folder, NULL, 0, &log, &error));
    OK(tslog_reader_close(reader, &error));
    log = open_raw(folder, 8, 100);
    OK(tslog_log_report(log, &report, &error));
    CHECK(report.lost_first == 0);
    OK(tslog_log_commit(log, &seqn, &error));
    CHECK(seqn == 1);
    OK(tslog_log_close(log, &error));
}

static void a_log_is_made_anew_or_not_at_all_as_the_flags_say(void)
{
    const char *folder = below("flags/deep");
    tslog_config config = TSLOG_CONFIG_INIT;
    tslog_log *log = NULL;
    uint64_t seqn;

    GIVES(TSLOG_E_NO_LOG, tslog_log_open(folder, NULL, TSLOG_EXISTING, &log, &error));
    CHECK(log == NULL && access(folder, F_OK) != 0);
    GIVES(TSLOG_E_ARGUMENT, tslog_log_open(folder, NULL, 4, &log, &error));
    CHECK(error.what == TSLOG_ARGUMENT_FLAG && error.got == 4);
    log = open_raw(folder, 8, 1);
    OK(tslog_log_store_record(log, "old", 3, NULL, &error));
    OK(tslog_log_close(log, &error));
    OK(tslog_log_open(folder, NULL, TSLOG_EXISTING, &log, &error));
    OK(tslog_log_store_record(log, "12345678", 8, &seqn, &error));
    CHECK(seqn == 2);
    OK(tslog_log_close(log, &error));
    config.record_size = 4;
    OK(tslog_log_open(folder, &config, TSLOG_RECREATE, &log, &error));
    OK(tslog_log_store_record(log, "new", 3, &seqn, &error));
    CHECK(seqn == 1);
    OK(tslog_log_close(log, &error));
}

static void another_shape_is_refused_with_both_values(void)
{
    const char *folder = below("shape");
    tslog_config config = TSLOG_CONFIG_INIT;
    tslog_format format = { "<Q", NULL };
    tslog_log *log = open_raw(folder, 8, 1);
    OK(tslog_log_close(log, &error));

    config.record_size = 9;
    GIVES(TSLOG_E_MISMATCH, tslog_log_open(folder, &config, 0, &log, &error));
    CHECK(error.what == TSLOG_MISMATCH_RECORD_SIZE && error.expected == 8 && error.got == 9);
    config.record_size = 0;
    config.bucket_size = 10;
    GIVES(TSLOG_E_MISMATCH, tslog_log_open(folder, &config, 0, &log, &error));
    CHECK(error.what == TSLOG_MISMATCH_BUCKET_SIZE && error.expected == 1024 && error.got == 10);
    config.bucket_size = 0;
    config.formats = &format;
    config.format_count = 1;
    GIVES(TSLOG_E_MISMATCH, tslog_log_open(folder, &config, 0, &log, &error));
    CHECK(error.what == TSLOG_MISMATCH_FORMATS && error.expected == 0 && error.got == 1);
    format.format = "<Qz";
    GIVES(TSLOG_E_INVALID, tslog_log_open(folder, &config, 0, &log, &error));
    CHECK(error.what == TSLOG_INVALID_FORMAT && error.index == 2);
    SAYS("bad format at character 3: expected one of the codes");
    format.format = "<QQ";
    format.fields = "a,a";
    GIVES(TSLOG_E_INVALID, tslog_log_open(folder, &config, 0, &log, &error));
    CHECK(error.what == TSLOG_INVALID_FIELD_NAME && error.index == 1);
    format.fields = "\xFF,b";
    GIVES(TSLOG_E_ARGUMENT, tslog_log_open(folder, &config, 0, &log, &error));
    CHECK(error.what == TSLOG_ARGUMENT_TEXT);
    format.format = NULL;
    GIVES(TSLOG_E_ARGUMENT, tslog_log_open(folder, &config, 0, &log, &error));
    CHECK(error.what == TSLOG_ARGUMENT_NULL);
    config.formats = NULL;
    GIVES(TSLOG_E_ARGUMENT, tslog_log_open(folder, &config, 0, &log, &error));
    config.format_count = 0;
    config.commit_delta = 0;
    GIVES(TSLOG_E_INVALID, tslog_log_open(folder, &config, 0, &log, &error));
    CHECK(error.what == TSLOG_INVALID_COMMIT_DELTA);
    config.commit_delta = 1;
    config.readers = 5;
    GIVES(TSLOG_E_INVALID, tslog_log_open(folder, &config, 0, &log, &error));
    CHECK(error.what == TSLOG_INVALID_READERS && error.got == 5);
    config.readers = 1;
    config.formats = &format; /* raw records, and nothing else */
    OK(tslog_log_open(folder, &config, 0, &log, &error));
    OK(tslog_log_close(log, &error));
}

static void what_is_no_log_and_what_is_later_are_told_apart(void)
{
    const char *folder = below("foreign"), *later;
    char path[600];
    tslog_view *view;
    tslog_log *log;
    int copy;
    FILE *file;

    CHECK(mkdir(folder, 0700) == 0);
    GIVES(TSLOG_E_NO_LOG, tslog_view_open(folder, &view, &error));
    snprintf(path, sizeof path, "%s/header-1", folder);
    file = fopen(path, "wb");
    CHECK(file != NULL && fputs("this is the header of something else, or noise", file) >= 0);
    CHECK(fclose(file) == 0);
    GIVES(TSLOG_E_NOT_A_LOG, tslog_view_open(folder, &view, &error));
    GIVES(TSLOG_E_STORAGE, tslog_view_open(path, &view, &error));
    CHECK(error.system != 0);
    SAYS("Not a directory");

    later = below("later");
    OK(tslog_log_close(open_raw(later, 8, 1), &error));
    for (copy = 0; copy < 2; copy++) {
        snprintf(path, sizeof path, "%s/header-%d", later, copy);
        file = fopen(path, "r+b");
        CHECK(file != NULL && fseek(file, 8, SEEK_SET) == 0 && fputc(9, file) == 9);
        CHECK(fclose(file) == 0);
    }
    GIVES(TSLOG_E_VERSION, tslog_log_open(later, NULL, 0, &log, &error));
    CHECK(error.got == 9);
    SAYS("layout version 9");
}

static void a_second_writer_is_told_who_has_the_log(void)
{
    const char *folder = below("locked");
    tslog_log *log = open_raw(folder, 8, 1), *second;
    tslog_reader *reader, *other;

    GIVES(TSLOG_E_LOCKED, tslog_log_open(folder, NULL, 0, &second, &error));
    CHECK(error.holder == (uint32_t)getpid());
    SAYS("locked by process");
    OK(tslog_reader_open_folder(folder, 0, &reader, &error));
    GIVES(TSLOG_E_LOCKED, tslog_reader_open_folder(folder, 0, &other, &error));
    GIVES(TSLOG_E_LOCKED, tslog_reader_open(log, 0, &other, &error));
    GIVES(TSLOG_E_NO_LOG, tslog_reader_open_folder(folder, 1, &other, &error));
    GIVES(TSLOG_E_INVALID, tslog_reader_open_folder(folder, 4, &other, &error));
    CHECK(error.what == TSLOG_INVALID_READER && error.got == 4);
    GIVES(TSLOG_E_INVALID, tslog_reader_open(log, 257, &other, &error));
    CHECK(error.what == TSLOG_INVALID_READER && error.got == 257 && error.expected == 1);
    OK(tslog_reader_close(reader, &error));
    reader = reader_of(log, 0);
    OK(tslog_reader_close(reader, &error));
    OK(tslog_log_close(log, &error));
    log = open_raw(folder, 8, 1);
    OK(tslog_log_close(log, &error));
}

static void a_full_log_refuses_or_drops_and_names_what_it_dropped(void)
{
    tslog_config config = TSLOG_CONFIG_INIT;
    tslog_log *log;
    tslog_reader *reader;
    unsigned char record[8];
    uint64_t seqn, first;
    int code, at;

    config.record_size = 8;
    config.bucket_size = 8;
    config.commit_delta = 4;
    config.max_buckets = 3;
    OK(tslog_log_open(below("full"), &config, 0, &log, &error));
    for (at = 0; (code = tslog_log_store_record(log, "x", 1, NULL, &error)) == TSLOG_OK; at++) {
    }
    CHECK(code == TSLOG_E_FULL && at == 24);
    reader = reader_of(log, 0);
    while (tslog_reader_next_record(reader, 0, record, 8, NULL, &error) == TSLOG_OK) {
    }
    OK(tslog_reader_commit(reader, NULL, &error));
    OK(tslog_log_store_record(log, "x", 1, &seqn, &error));
    CHECK(seqn == 25);
    OK(tslog_log_close(log, &error));
    OK(tslog_reader_close(reader, &error));

    config.policy = TSLOG_POLICY_DROP_OLDEST;
    OK(tslog_log_open(below("drops"), &config, 0, &log, &error));
    reader = reader_of(log, 0);
    for (at = 0; at < 40; at++) {
        OK(tslog_log_store_record(log, "x", 1, NULL, &error));
    }
    GIVES(TSLOG_E_LOST, tslog_reader_next_record(reader, 0, record, 8, &seqn, &error));
    CHECK(error.first == 1 && error.last >= 8 && error.last % 8 == 0);
    first = error.last + 1;
    OK(tslog_reader_next_record(reader, 0, record, 8, &seqn, &error));
    CHECK(seqn == first);
    OK(tslog_log_close(log, &error));
    OK(tslog_reader_close(reader, &error));
}

static void damage_is_named_to_the_record_by_readers_and_views(void)
{
    const char *folder = below("damage");
    tslog_log *log = open_raw(folder, 64, 2);
    tslog_reader *reader;
    tslog_view *view;
    tslog_batch batch;
    unsigned char record[64], bytes[4096];
    char path[600];
    uint64_t seqn;
    long size, at;
    FILE *file;

    for (seqn = 1; seqn <= 8; seqn++) {
        memset(record, (int)(0xA0 + seqn), sizeof record);
        OK(tslog_log_store_record(log, record, sizeof record, NULL, &error));
    }
    OK(tslog_log_close(log, &error));
    snprintf(path, sizeof path, "%s/bucket-0000000000", folder);
    file = fopen(path, "r+b");
    CHECK(file != NULL);
    size = (long)fread(bytes, 1, sizeof bytes, file);
    memset(record, 0xA3, sizeof record);
    for (at = 0; at + 64 <= size && memcmp(bytes + at, record, sizeof record) != 0; at++) {
    }
    CHECK(at + 64 <= size && fseek(file, at, SEEK_SET) == 0);
    CHECK(fputc(0x55, file) == 0x55 && fclose(file) == 0);

    OK(tslog_reader_open_folder(folder, 0, &reader, &error));
    OK(tslog_reader_next_record(reader, 0, record, 64, &seqn, &error));
    OK(tslog_reader_next_record(reader, 0, record, 64, &seqn, &error));
    GIVES(TSLOG_E_DAMAGED, tslog_reader_next_record(reader, 0, record, 64, &seqn, &error));
    CHECK(error.first == 3 && error.last == 4);
    SAYS("damaged on the medium: 3 to 4 (2 records)");
    OK(tslog_reader_next_record(reader, 0, record, 64, &seqn, &error));
    CHECK(seqn == 5 && record[0] == 0xA5);
    OK(tslog_reader_close(reader, &error));

    OK(tslog_view_open(folder, &view, &error));
    OK(tslog_view_read(view, bytes, sizeof bytes, &batch, &error));
    CHECK(batch.first == 1 && batch.count == 2);
    GIVES(TSLOG_E_DAMAGED, tslog_view_read(view, bytes, sizeof bytes, &batch, &error));
    CHECK(error.first == 3 && error.last == 4);
    OK(tslog_view_read(view, bytes, sizeof bytes, &batch, &error));
    CHECK(batch.first == 5 && bytes[0] == 0xA5);
    OK(tslog_view_close(view, &error));
}

static void a_view_shows_a_log_that_is_in_use(void)
{
    const char *folder = below("view");
    tslog_log *log = open_with(folder, "<I", "n", 1);
    tslog_reader *reader = reader_of(log, 0);
    tslog_view *view;
    tslog_view_info info;
    tslog_range range;
    tslog_batch batch;
    tslog_record got;
    tslog_value value;
    unsigned char bytes[64];
    uint64_t cursors[4], seqn;
    size_t count;
    uint32_t at;

    for (at = 1; at <= 5; at++) {
        value = tslog_uint(at * 10);
        OK(tslog_log_store(log, &value, 1, NULL, &error));
    }
    OK(tslog_reader_next_record(reader, 0, bytes, sizeof bytes, NULL, &error));
    OK(tslog_reader_commit(reader, NULL, &error));
    OK(tslog_view_open(folder, &view, &error));
    OK(tslog_view_numbers(view, &range, &error));
    CHECK(range.first == 1 && range.last == 5);
    GIVES(TSLOG_E_ARGUMENT, tslog_view_cursors(view, cursors, 0, &count, &error));
    CHECK(error.what == TSLOG_ARGUMENT_ROOM && error.expected == 1);
    OK(tslog_view_cursors(view, cursors, 4, &count, &error));
    CHECK(count == 1 && cursors[0] == 1);
    OK(tslog_view_info_of(view, &info, &error));
    CHECK(info.oldest_bucket == 0 && info.newest_bucket == 0 && info.generation == 1);
    CHECK(info.header_damaged == 0);
    OK(tslog_view_bucket_first(view, 0, &seqn, &error));
    CHECK(seqn == 1);
    GIVES(TSLOG_NONE, tslog_view_bucket_first(view, 7, &seqn, &error));
    OK(tslog_view_seek(view, 4, &error));
    OK(tslog_view_read(view, bytes, sizeof bytes, &batch, &error));
    CHECK(batch.first == 4 && batch.count == 1);
    OK(tslog_decode(view, bytes, sizeof bytes, &value, 1, &got, &error));
    CHECK(got.count == 1 && value.as.uinteger == 40);
    value = tslog_uint(60);
    OK(tslog_log_store(log, &value, 1, NULL, &error));
    OK(tslog_view_refresh(view, &error));
    OK(tslog_view_numbers(view, &range, &error));
    CHECK(range.last == 6);
    OK(tslog_view_seek(view, 7, &error));
    GIVES(TSLOG_NONE, tslog_view_read(view, bytes, sizeof bytes, &batch, &error));
    OK(tslog_view_close(view, &error));
    OK(tslog_view_close(view, &error));
    GIVES(TSLOG_E_CLOSED, tslog_view_refresh(view, &error));
    OK(tslog_reader_close(reader, &error));
    OK(tslog_log_close(log, &error));
}

static void null_is_refused_everywhere(void)
{
    const char *folder = below("null");
    tslog_log *log = open_with(folder, "<I", NULL, 1);
    tslog_reader *reader = reader_of(log, 0);
    tslog_view *view;
    tslog_value value = tslog_int(1);
    unsigned char bytes[8];
    OK(tslog_log_store(log, &value, 1, NULL, &error));
    OK(tslog_view_open(folder, &view, &error));

#define NULLS(call)                                                                                \
    do {                                                                                           \
        GIVES(TSLOG_E_ARGUMENT, call);                                                             \
        CHECK(error.what == TSLOG_ARGUMENT_NULL);                                                  \
        SAYS("must not be NULL");                                                                  \
    } while (0)
    NULLS(tslog_log_open(NULL, NULL, 0, &log, &error));
    NULLS(tslog_log_open(folder, NULL, 0, NULL, &error));
    NULLS(tslog_log_close(NULL, &error));
    NULLS(tslog_log_abandon(NULL, &error));
    NULLS(tslog_log_store(NULL, &value, 1, NULL, &error));
    NULLS(tslog_log_store(log, NULL, 1, NULL, &error));
    NULLS(tslog_log_store_with_tag(NULL, 0, &value, 1, NULL, &error));
    NULLS(tslog_log_store_record(NULL, "x", 1, NULL, &error));
    NULLS(tslog_log_store_record(log, NULL, 1, NULL, &error));
    NULLS(tslog_log_commit(NULL, NULL, &error));
    NULLS(tslog_log_stats(NULL, NULL, &error));
    NULLS(tslog_log_stats(log, NULL, &error));
    NULLS(tslog_log_uncommitted(log, NULL, &error));
    NULLS(tslog_log_report(log, NULL, &error));
    NULLS(tslog_reader_open(NULL, 0, &reader, &error));
    NULLS(tslog_reader_open(log, 0, NULL, &error));
    NULLS(tslog_reader_open_folder(NULL, 0, &reader, &error));
    NULLS(tslog_reader_open_folder(folder, 0, NULL, &error));
    NULLS(tslog_reader_close(NULL, &error));
    NULLS(tslog_reader_next(NULL, 0, bytes, 8, &value, 1, NULL, &error));
    NULLS(tslog_reader_next(reader, 0, bytes, 8, &value, 1, NULL, &error));
    NULLS(tslog_reader_next(reader, 0, bytes, 8, NULL, 1, (tslog_record *)(void *)&value, &error));
    NULLS(tslog_reader_next(reader, 0, NULL, 8, &value, 1, (tslog_record *)(void *)bytes, &error));
    NULLS(tslog_reader_peek(NULL, 0, bytes, 8, &value, 1, NULL, &error));
    NULLS(tslog_reader_next_record(NULL, 0, bytes, 8, NULL, &error));
    NULLS(tslog_reader_next_record(reader, 0, NULL, 8, NULL, &error));
    NULLS(tslog_reader_peek_record(NULL, 0, bytes, 8, NULL, &error));
    NULLS(tslog_reader_read_batch(reader, bytes, 8, NULL, &error));
    NULLS(tslog_reader_seek(NULL, 1, &error));
    NULLS(tslog_reader_commit(NULL, NULL, &error));
    NULLS(tslog_reader_cursor(reader, NULL, &error));
    NULLS(tslog_reader_uncommitted(reader, NULL, &error));
    NULLS(tslog_reader_lag(reader, NULL, &error));
    NULLS(tslog_view_open(NULL, &view, &error));
    NULLS(tslog_view_open(folder, NULL, &error));
    NULLS(tslog_view_close(NULL, &error));
    NULLS(tslog_view_refresh(NULL, &error));
    NULLS(tslog_view_read(view, bytes, 8, NULL, &error));
    NULLS(tslog_view_seek(NULL, 1, &error));
    NULLS(tslog_view_numbers(view, NULL, &error));
    NULLS(tslog_view_cursors(view, NULL, 4, NULL, &error));
    NULLS(tslog_view_info_of(view, NULL, &error));
    NULLS(tslog_view_bucket_first(view, 0, NULL, &error));
    NULLS(tslog_shape_of(NULL, NULL, &error));
    NULLS(tslog_format_of(log, 0, NULL, 0, NULL, 0, &error));
    NULLS(tslog_decode(log, bytes, 8, &value, 1, NULL, &error));
    NULLS(tslog_format_size(NULL, NULL, NULL, &error));
    NULLS(tslog_pack("B", NULL, 1, bytes, 8, NULL, &error));
    NULLS(tslog_unpack("B", NULL, 1, &value, 1, NULL, &error));
#undef NULLS
    /* The reader did not move, and `error` may be NULL anywhere. */
    OK(tslog_reader_next_record(reader, 0, bytes, 8, NULL, NULL));
    GIVES(TSLOG_E_ARGUMENT, tslog_log_commit(NULL, NULL, NULL));
    OK(tslog_view_close(view, NULL));
    OK(tslog_reader_close(reader, NULL));
    OK(tslog_log_close(log, NULL));
}

static void wrong_handles_are_refused_and_never_followed(void)
{
    tslog_log *log = open_raw(below("handles"), 8, 1);
    tslog_reader *reader = reader_of(log, 0);
    tslog_shape shape;
    uint64_t count;
    int on_the_stack = 0;

    GIVES(TSLOG_E_HANDLE, tslog_log_commit((tslog_log *)reader, NULL, &error));
    SAYS("log is not an open log");
    GIVES(TSLOG_E_HANDLE, tslog_reader_lag((tslog_reader *)log, &count, &error));
    GIVES(TSLOG_E_HANDLE, tslog_reader_close((tslog_reader *)log, &error));
    GIVES(TSLOG_E_HANDLE, tslog_log_close((tslog_log *)(void *)&on_the_stack, &error));
    GIVES(TSLOG_E_HANDLE, tslog_shape_of(&on_the_stack, &shape, &error));
    GIVES(TSLOG_E_HANDLE, tslog_view_refresh((tslog_view *)(uintptr_t)UINTPTR_MAX, &error));
    GIVES(TSLOG_E_HANDLE, tslog_view_refresh((tslog_view *)(uintptr_t)4, &error));
    OK(tslog_reader_close(reader, &error));
    OK(tslog_reader_close(reader, &error));
    GIVES(TSLOG_E_CLOSED, tslog_reader_lag(reader, &count, &error));
    GIVES(TSLOG_E_HANDLE, tslog_log_close((tslog_log *)reader, &error));
    GIVES(TSLOG_E_CLOSED, tslog_shape_of(reader, &shape, &error));
    OK(tslog_log_close(log, &error));
}

enum { THREADS = 4, PER_THREAD = 500 };

static void *store_many(void *log)
{
    int at;
    for (at = 0; at < PER_THREAD; at++) {
        if (tslog_log_store_record(log, &at, sizeof at, NULL, NULL) != TSLOG_OK) {
            return log;
        }
    }
    /* Commits that threads share have as many records as came meanwhile, so some may be left. */
    return tslog_log_commit(log, NULL, NULL) == TSLOG_OK ? NULL : log;
}

static void many_threads_store_while_one_waits_for_records(void)
{
    tslog_log *log = open_raw(below("threads"), 4, 16);
    tslog_reader *reader = reader_of(log, 0);
    pthread_t threads[THREADS];
    uint64_t seqn, at;
    unsigned char record[4];
    void *failed;

    for (at = 0; at < THREADS; at++) {
        CHECK(pthread_create(&threads[at], NULL, store_many, log) == 0);
    }
    for (at = 1; at <= THREADS * PER_THREAD; at++) {
        OK(tslog_reader_next_record(reader, 1, record, sizeof record, &seqn, &error));
        CHECK(seqn == at);
    }
    for (at = 0; at < THREADS; at++) {
        CHECK(pthread_join(threads[at], &failed) == 0 && failed == NULL);
    }
    OK(tslog_log_close(log, &error));
    OK(tslog_reader_close(reader, &error));
}

static void *wait_for_a_record(void *reader)
{
    unsigned char record[4];
    static int code;
    code = tslog_reader_next_record(reader, 1, record, sizeof record, NULL, NULL);
    return &code;
}

static void closing_a_reader_or_its_log_ends_a_wait(void)
{
    tslog_log *log = open_raw(below("waits"), 4, 16);
    tslog_reader *reader = reader_of(log, 0);
    pthread_t thread;
    void *code;

    CHECK(pthread_create(&thread, NULL, wait_for_a_record, reader) == 0);
    OK(tslog_reader_close(reader, &error));
    CHECK(pthread_join(thread, &code) == 0 && *(int *)code == TSLOG_E_CLOSED);
    reader = reader_of(log, 0);
    CHECK(pthread_create(&thread, NULL, wait_for_a_record, reader) == 0);
    OK(tslog_log_close(log, &error));
    CHECK(pthread_join(thread, &code) == 0 && *(int *)code == TSLOG_E_CLOSED);
    OK(tslog_reader_close(reader, &error));
}

/* How many threads this process has. */
static int threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    CHECK(tasks != NULL);
    while (readdir(tasks) != NULL) {
        count++;
    }
    closedir(tasks);
    return count;
}

static void a_thread_commits_by_time_and_in_the_background_if_that_is_asked_for(void)
{
    tslog_config config = TSLOG_CONFIG_INIT;
    tslog_log *log = NULL;
    tslog_reader *reader;
    unsigned char record[4];
    uint64_t seqn, count;
    int before = threads();

    config.record_size = 4;
    config.commit_delta = 1000;
    config.commit_interval_ms = 1;
    OK(tslog_log_open(below("by time"), &config, 0, &log, &error));
    reader = reader_of(log, 0);
    OK(tslog_log_store_record(log, "late", 4, NULL, &error));
    alarm(60); /* or else it would wait for ever */
    OK(tslog_reader_next_record(reader, 1, record, sizeof record, &seqn, &error));
    alarm(0);
    CHECK(seqn == 1 && memcmp(record, "late", 4) == 0);
    OK(tslog_log_close(log, &error));

    config.commit_interval_ms = 0;
    config.background_commit = 1;
    OK(tslog_log_open(below("background"), &config, 0, &log, &error));
    CHECK(threads() == before + 1);
    for (count = 0; count < 2500; count++) {
        OK(tslog_log_store_record(log, "bulk", 4, NULL, &error));
    }
    OK(tslog_log_commit(log, &seqn, &error));
    OK(tslog_log_uncommitted(log, &count, &error));
    CHECK(seqn == 2500 && count == 0);
    OK(tslog_log_close(log, &error));
    CHECK(threads() == before);
}

static void values_are_packed_and_unpacked_without_a_log(void)
{
    tslog_value values[TSLOG_PACK_VALUES_MAX + 1];
    unsigned char bytes[40];
    uint32_t size, how_many;
    size_t at, count;

    OK(tslog_format_size("Bq", &size, &how_many, &error));
    CHECK(size == 16 && how_many == 2);
    OK(tslog_format_size(">Bq", &size, NULL, &error));
    CHECK(size == 9);
    GIVES(TSLOG_E_INVALID, tslog_format_size("Q!", &size, NULL, &error));
    CHECK(error.what == TSLOG_INVALID_FORMAT && error.index == 1);
    for (at = 0; at < TSLOG_PACK_VALUES_MAX + 1; at++) {
        values[at] = tslog_uint(at);
    }
    OK(tslog_pack("32B", values, 32, bytes, sizeof bytes, &count, &error));
    CHECK(count == 32 && bytes[31] == 31);
    GIVES(TSLOG_E_ARGUMENT, tslog_pack("33B", values, 33, bytes, sizeof bytes, NULL, &error));
    CHECK(error.what == TSLOG_ARGUMENT_COUNT && error.expected == 32 && error.got == 33);
    GIVES(TSLOG_E_INVALID, tslog_pack("32B", values, 32, bytes, 31, NULL, &error));
    CHECK(error.what == TSLOG_INVALID_VALUES_BUFFER && error.expected == 32 && error.got == 31);
    OK(tslog_unpack("<32B", bytes, 32, values, 33, &count, &error));
    CHECK(count == 32 && values[31].kind == TSLOG_UINT && values[31].as.uinteger == 31);
    GIVES(TSLOG_E_ARGUMENT, tslog_unpack("<32B", bytes, 32, values, 31, &count, &error));
    CHECK(error.what == TSLOG_ARGUMENT_ROOM);
    GIVES(TSLOG_E_INVALID, tslog_unpack("<32B", bytes, 31, values, 33, &count, &error));
    CHECK(error.what == TSLOG_INVALID_BUFFER);
    OK(tslog_pack("", NULL, 0, NULL, 0, &count, &error));
    CHECK(count == 0);
}

static void every_code_has_a_sentence_of_its_own(void)
{
    int one, other, known = 0;
    const char *unknown = tslog_strerror(12345);
    for (one = -30; one <= 1; one++) {
        if (strcmp(tslog_strerror(one), unknown) == 0) {
            continue;
        }
        known++;
        for (other = -30; other < one; other++) {
            CHECK(strcmp(tslog_strerror(one), tslog_strerror(other)) != 0 ||
                  strcmp(tslog_strerror(other), unknown) == 0);
        }
    }
    CHECK(known == 20);
    CHECK(strcmp(tslog_version(), TSLOG_VERSION) == 0);
}

int main(int argc, char **argv)
{
    static const test tests[] = {
        TEST(values_of_every_kind_come_back),
        TEST(values_that_do_not_fit_are_refused_and_take_no_number),
        TEST(tags_choose_the_format_and_come_back),
        TEST(raw_records_are_filled_up_and_never_cut),
        TEST(readers_see_what_is_committed_and_acknowledge_it),
        TEST(closing_commits_and_abandoning_does_not),
        TEST(a_log_is_made_anew_or_not_at_all_as_the_flags_say),
        TEST(another_shape_is_refused_with_both_values),
        TEST(what_is_no_log_and_what_is_later_are_told_apart),
        TEST(a_second_writer_is_told_who_has_the_log),
        TEST(a_full_log_refuses_or_drops_and_names_what_it_dropped),
        TEST(damage_is_named_to_the_record_by_readers_and_views),
        TEST(a_view_shows_a_log_that_is_in_use),
        TEST(null_is_refused_everywhere),
        TEST(wrong_handles_are_refused_and_never_followed),
        TEST(many_threads_store_while_one_waits_for_records),
        TEST(closing_a_reader_or_its_log_ends_a_wait),
        TEST(a_thread_commits_by_time_and_in_the_background_if_that_is_asked_for),
        TEST(values_are_packed_and_unpacked_without_a_log),
        TEST(every_code_has_a_sentence_of_its_own),
    };
    return run_tests(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
