/* The API for flash, on a simulated NOR that is as strict as a chip should be. */
#include "check.h"

#define SLOT_SIZE 512
#define SLOTS 8

enum { CUT = 77, RULES = 78 };

/* A NOR in memory. A program that would set a bit, or that is not aligned, is a bug of the log. */
typedef struct nor {
    unsigned char bytes[SLOTS * SLOT_SIZE];
    unsigned char written[SLOTS * SLOT_SIZE];
    long calls_left; /* programs, erases and syncs until the power goes */
    int recovers;    /* only one call fails then, and changes nothing */
    int broken_rules;
    int syncs;
    tslog_flash *call_back; /* a log to call from within a callback, or NULL */
    int came_back;
} nor;

static nor chip;
static tslog_flash log_memory;
static tslog_flash_reader reader;
static unsigned char buffer[TSLOG_BUFFER_SIZE(16, 8)];

static int power(nor *flash)
{
    if (flash->recovers) {
        return flash->calls_left-- == 0 ? CUT : 0;
    }
    return flash->calls_left-- > 0 ? 0 : CUT;
}

static int nor_read(void *user, uint32_t address, void *out, uint32_t size)
{
    nor *flash = user;
    if (address > sizeof flash->bytes || size > sizeof flash->bytes - address) {
        flash->broken_rules++;
        return RULES;
    }
    memcpy(out, flash->bytes + address, size);
    if (flash->call_back) {
        tslog_stats stats;
        flash->came_back = tslog_flash_stats(flash->call_back, &stats, NULL);
    }
    return 0;
}

static int nor_program(void *user, uint32_t address, const void *data, uint32_t size)
{
    nor *flash = user;
    const unsigned char *from = data;
    uint32_t at, end = size;
    if (address % 4 || size % 4 || address > sizeof flash->bytes ||
        size > sizeof flash->bytes - address) {
        flash->broken_rules++;
        return RULES;
    }
    if (power(flash)) {
        end = flash->recovers ? 0 : size / 2; /* torn */
    }
    for (at = 0; at < end; at++) {
        flash->broken_rules += flash->written[address + at];
        flash->written[address + at] = 1;
        flash->bytes[address + at] &= from[at];
    }
    return end == size ? 0 : CUT;
}

static int nor_erase(void *user, uint32_t address, uint32_t size)
{
    nor *flash = user;
    if (address % SLOT_SIZE || size != SLOT_SIZE || address >= sizeof flash->bytes) {
        flash->broken_rules++;
        return RULES;
    }
    if (power(flash)) {
        return CUT;
    }
    memset(flash->bytes + address, 0xFF, size);
    memset(flash->written + address, 0, size);
    return 0;
}

static int nor_sync(void *user)
{
    nor *flash = user;
    flash->syncs++;
    return power(flash);
}

static tslog_storage storage_of(nor *flash)
{
    tslog_storage storage;
    storage.size = sizeof storage;
    storage.slot_count = SLOTS;
    storage.slot_size = SLOT_SIZE;
    storage.write_size = 4;
    storage.user = flash;
    storage.read = nor_read;
    storage.program = nor_program;
    storage.erase = nor_erase;
    storage.sync = nor_sync;
    return storage;
}

static tslog_config config_of(uint32_t record_size, uint32_t commit_delta)
{
    tslog_config config = TSLOG_CONFIG_INIT;
    config.record_size = record_size;
    config.commit_delta = commit_delta;
    memcpy(config.id, "serial number 17", 16);
    return config;
}

/* A blank chip, and no power cut to come. */
static tslog_storage blank(void)
{
    memset(&chip, 0, sizeof chip);
    memset(chip.bytes, 0xFF, sizeof chip.bytes);
    chip.calls_left = 1000000;
    memset(&log_memory, 0, sizeof log_memory);
    memset(&reader, 0, sizeof reader);
    return storage_of(&chip);
}

/* The record of number `seqn`: bytes that no other number has in this order. */
static void fill(unsigned char *record, uint64_t seqn)
{
    int at;
    for (at = 0; at < 16; at++) {
        seqn = seqn * 6364136223846793005u + 1442695040888963407u;
        record[at] = (unsigned char)(seqn >> 56);
    }
}

static void store_number(uint64_t seqn)
{
    unsigned char record[16];
    uint64_t given = 0;
    fill(record, seqn);
    OK(tslog_flash_store_record(&log_memory, record, sizeof record, &given, &error));
    CHECK(given == seqn);
}

static int is_number(const unsigned char *record, uint64_t seqn)
{
    unsigned char wanted[16];
    fill(wanted, seqn);
    return memcmp(record, wanted, sizeof wanted) == 0;
}

static void what_is_stored_and_closed_is_there_after_the_next_open(void)
{
    tslog_storage storage = blank();
    tslog_config config = config_of(16, 8);
    unsigned char record[16];
    tslog_report report;
    tslog_stats stats;
    uint64_t seqn, count;
    tslog_range range;
    uint32_t record_size, bucket_size;

    GIVES(TSLOG_E_NO_LOG, tslog_flash_open(&log_memory, &storage, buffer, sizeof buffer, &config,
                                           &error));
    OK(tslog_flash_create(&log_memory, &storage, buffer, sizeof buffer, &config, &error));
    for (seqn = 1; seqn <= 11; seqn++) {
        store_number(seqn);
    }
    OK(tslog_flash_uncommitted(&log_memory, &count, &error));
    CHECK(count == 3);
    OK(tslog_flash_stats(&log_memory, &stats, &error));
    CHECK(stats.seqn == 11 && stats.committed == 8 && stats.lag == 11 && stats.bucket == 0);
    OK(tslog_flash_sizes(&log_memory, &record_size, &bucket_size, &error));
    CHECK(record_size == 16 && bucket_size == 1024);
    OK(tslog_flash_close(&log_memory, &error));
    OK(tslog_flash_close(&log_memory, &error));
    GIVES(TSLOG_E_CLOSED, tslog_flash_commit(&log_memory, NULL, &error));
    CHECK(chip.syncs > 0);

    memset(buffer, 0xAA, sizeof buffer);
    GIVES(TSLOG_E_INVALID, tslog_flash_open_or_create(&log_memory, &storage, buffer, sizeof buffer,
                                                      NULL, &error));
    SAYS("the batch buffer must have 296 bytes, got 192"); /* for the default commit_delta of 16 */
    config.record_size = 0;
    OK(tslog_flash_open_or_create(&log_memory, &storage, buffer, sizeof buffer, &config, &error));
    OK(tslog_flash_report(&log_memory, &report, &error));
    CHECK(report.clean == 1 && report.lost_first == 0 && report.abandoned_size == 0);
    OK(tslog_flash_numbers(&log_memory, &range, &error));
    CHECK(range.first == 1 && range.last == 11);
    OK(tslog_flash_reader_open(&log_memory, 0, &reader, &error));
    for (count = 1; count <= 11; count++) {
        OK(tslog_flash_reader_next_record(&log_memory, &reader, record, 16, &seqn, &error));
        CHECK(seqn == count && is_number(record, seqn));
    }
    GIVES(TSLOG_NONE, tslog_flash_reader_next_record(&log_memory, &reader, record, 16, &seqn,
                                                     &error));
    CHECK(error.code == TSLOG_NONE && error.message[0] == 0);
    CHECK(chip.broken_rules == 0);
}

static void a_reader_seeks_peeks_batches_and_commits(void)
{
    tslog_storage storage = blank();
    tslog_config config = config_of(16, 4);
    unsigned char records[5 * 16];
    tslog_batch batch;
    uint64_t seqn, cursor, count;

    OK(tslog_flash_create(&log_memory, &storage, buffer, sizeof buffer, &config, &error));
    for (seqn = 1; seqn <= 9; seqn++) {
        store_number(seqn);
    }
    OK(tslog_flash_reader_open(&log_memory, 0, &reader, &error));
    OK(tslog_flash_reader_read_batch(&log_memory, &reader, records, sizeof records, &batch,
                                     &error));
    CHECK(batch.first == 1 && batch.count == 5 && is_number(records + 64, 5));
    OK(tslog_flash_reader_peek_record(&log_memory, &reader, records, 16, &seqn, &error));
    CHECK(seqn == 6);
    OK(tslog_flash_reader_cursor(&log_memory, &reader, &cursor, &error));
    OK(tslog_flash_reader_uncommitted(&log_memory, &reader, &count, &error));
    CHECK(cursor == 5 && count == 5);
    OK(tslog_flash_reader_lag(&log_memory, &reader, &count, &error));
    CHECK(count == 3); /* the ninth record is not committed */
    OK(tslog_flash_reader_commit(&log_memory, &reader, &cursor, &error));
    CHECK(cursor == 5);
    OK(tslog_flash_reader_seek(&log_memory, &reader, 2, &error));
    OK(tslog_flash_reader_next_record(&log_memory, &reader, records, 16, &seqn, &error));
    CHECK(seqn == 2 && is_number(records, 2));
    GIVES(TSLOG_E_INVALID, tslog_flash_reader_seek(&log_memory, &reader, 10, &error));
    CHECK(error.what == TSLOG_INVALID_SEQN && error.got == 10);
    CHECK(error.first == 1 && error.last == 8);

    /* As after a reset: the committed cursor counts. */
    OK(tslog_flash_open(&log_memory, &storage, buffer, sizeof buffer, &config, &error));
    OK(tslog_flash_reader_open(&log_memory, 0, &reader, &error));
    OK(tslog_flash_reader_cursor(&log_memory, &reader, &cursor, &error));
    CHECK(cursor == 5);
    CHECK(chip.broken_rules == 0);
}

static void a_power_cut_at_any_call_loses_nothing_committed(void)
{
    long cut;
    int finished = 0;
    for (cut = 0; !finished; cut++) {
        tslog_storage storage = blank();
        tslog_config config = config_of(16, 4);
        unsigned char record[16];
        uint64_t committed = 0, acknowledged = 0, seqn, stored = 0;

        chip.calls_left = cut;
        if (tslog_flash_create(&log_memory, &storage, buffer, sizeof buffer, &config, &error) ==
                TSLOG_OK &&
            tslog_flash_reader_open(&log_memory, 0, &reader, &error) == TSLOG_OK) {
            for (stored = 1; stored <= 150; stored++) {
                fill(record, stored);
                if (tslog_flash_store_record(&log_memory, record, 16, NULL, &error) != TSLOG_OK) {
                    break;
                }
                committed = stored / 4 * 4;
                if (tslog_flash_reader_next_record(&log_memory, &reader, record, 16, &seqn,
                                                   &error) == TSLOG_OK &&
                    seqn % 5 == 0) {
                    if (tslog_flash_reader_commit(&log_memory, &reader, NULL, &error) != TSLOG_OK) {
                        break;
                    }
                    acknowledged = seqn;
                }
            }
            finished = stored > 150;
        }
        CHECK(finished || (error.code == TSLOG_E_STORAGE && error.system == CUT));
        if (!finished && committed > 0) {
            GIVES(TSLOG_E_POISONED, tslog_flash_commit(&log_memory, NULL, &error));
        }
        chip.calls_left = 1000000;
        /* The library may rely on bytes it does not know: a cut leaves any of them as anything. */
        memset(chip.written, 0, sizeof chip.written);
        OK(tslog_flash_open_or_create(&log_memory, &storage, buffer, sizeof buffer, &config,
                                      &error));
        OK(tslog_flash_reader_open(&log_memory, 0, &reader, &error));
        OK(tslog_flash_reader_cursor(&log_memory, &reader, &seqn, &error));
        CHECK(seqn >= acknowledged && seqn <= stored);
        committed = committed > seqn ? committed - seqn : 0;
        for (; tslog_flash_reader_next_record(&log_memory, &reader, record, 16, &seqn, &error) ==
               TSLOG_OK;
             committed -= committed > 0) {
            CHECK(is_number(record, seqn) && seqn <= stored + 4);
        }
        CHECK(error.code == TSLOG_NONE && committed == 0);
        fill(record, 1);
        OK(tslog_flash_store_record(&log_memory, record, 16, NULL, &error));
    }
    CHECK(cut > 100);
}

static void a_call_that_fails_once_stops_the_log_until_it_is_opened_again(void)
{
    int call;
    /* The commit of a record in a new bucket erases, programs and syncs. */
    for (call = 0; call < 3; call++) {
        tslog_storage storage = blank();
        tslog_config config = config_of(16, 1);
        unsigned char record[16];
        uint64_t seqn = 0;

        OK(tslog_flash_create(&log_memory, &storage, buffer, sizeof buffer, &config, &error));
        chip.recovers = 1;
        chip.calls_left = call;
        fill(record, 1);
        GIVES(TSLOG_E_STORAGE, tslog_flash_store_record(&log_memory, record, 16, &seqn, &error));
        CHECK(error.system == CUT && seqn == 0 && chip.calls_left == -1);
        SAYS("the storage failed: a callback returned 77");
        GIVES(TSLOG_E_POISONED, tslog_flash_store_record(&log_memory, record, 16, &seqn, &error));
        OK(tslog_flash_open(&log_memory, &storage, buffer, sizeof buffer, &config, &error));
        OK(tslog_flash_store_record(&log_memory, record, 16, &seqn, &error));
        CHECK(seqn == 1 + (call == 2)); /* what failed to sync may be there all the same */
    }
}

static void a_full_flash_refuses_and_goes_on_once_it_was_read(void)
{
    tslog_storage storage = blank();
    tslog_config config = config_of(16, 4);
    unsigned char record[16];
    tslog_stats before, after;
    int code;

    OK(tslog_flash_create(&log_memory, &storage, buffer, sizeof buffer, &config, &error));
    OK(tslog_flash_reader_open(&log_memory, 0, &reader, &error));
    fill(record, 1);
    while ((code = tslog_flash_store_record(&log_memory, record, 16, NULL, &error)) == TSLOG_OK) {
    }
    CHECK(code == TSLOG_E_FULL);
    OK(tslog_flash_stats(&log_memory, &before, &error));
    while (tslog_flash_reader_next_record(&log_memory, &reader, record, 16, NULL, &error) ==
           TSLOG_OK) {
    }
    OK(tslog_flash_reader_commit(&log_memory, &reader, NULL, &error));
    OK(tslog_flash_store_record(&log_memory, record, 16, NULL, &error));
    OK(tslog_flash_stats(&log_memory, &after, &error));
    CHECK(after.seqn == before.seqn + 1 && after.oldest_bucket > before.oldest_bucket);
}

static void the_oldest_records_go_where_the_policy_says_so_and_are_named(void)
{
    tslog_storage storage = blank();
    tslog_config config = config_of(16, 4);
    tslog_range range;
    unsigned char record[16];
    uint64_t seqn;

    config.policy = TSLOG_POLICY_DROP_OLDEST;
    OK(tslog_flash_create(&log_memory, &storage, buffer, sizeof buffer, &config, &error));
    OK(tslog_flash_reader_open(&log_memory, 0, &reader, &error));
    for (seqn = 1; seqn <= 400; seqn++) {
        store_number(seqn);
    }
    OK(tslog_flash_numbers(&log_memory, &range, &error));
    GIVES(TSLOG_E_LOST, tslog_flash_reader_next_record(&log_memory, &reader, record, 16, &seqn,
                                                       &error));
    CHECK(error.first == 1 && error.last == range.first - 1);
    SAYS("dropped before it was read: 1 to ");
    OK(tslog_flash_reader_next_record(&log_memory, &reader, record, 16, &seqn, &error));
    CHECK(seqn == range.first && is_number(record, seqn));
}

static void formats_are_kept_and_values_packed(void)
{
    tslog_storage storage = blank();
    const tslog_format formats[2] = { { "<Qf", "time:s,temperature:degC" }, { "<QH", NULL } };
    tslog_config config = TSLOG_CONFIG_INIT;
    unsigned char record[13];
    tslog_value values[2];
    size_t size, count;
    uint32_t record_size;

    config.formats = formats;
    config.format_count = 2;
    config.commit_delta = 1;
    OK(tslog_flash_create(&log_memory, &storage, buffer, sizeof buffer, &config, &error));
    OK(tslog_flash_sizes(&log_memory, &record_size, NULL, &error));
    CHECK(record_size == 13);
    record[0] = 1;
    values[0] = tslog_uint(1700000000);
    values[1] = tslog_int(60000);
    OK(tslog_pack("<QH", values, 2, record + 1, sizeof record - 1, &size, &error));
    CHECK(size == 10);
    OK(tslog_flash_store_record(&log_memory, record, 1 + size, NULL, &error));
    OK(tslog_flash_reader_open(&log_memory, 0, &reader, &error));
    memset(record, 0, sizeof record);
    OK(tslog_flash_reader_next_record(&log_memory, &reader, record, sizeof record, NULL, &error));
    CHECK(record[0] == 1);
    OK(tslog_unpack("<QH", record + 1, sizeof record - 1, values, 2, &count, &error));
    CHECK(count == 2 && values[0].as.uinteger == 1700000000 && values[1].as.uinteger == 60000);

    config.format_count = 1;
    GIVES(TSLOG_E_MISMATCH, tslog_flash_open(&log_memory, &storage, buffer, sizeof buffer, &config,
                                             &error));
    CHECK(error.what == TSLOG_MISMATCH_FORMATS && error.expected == 2 && error.got == 1);
    /* The log that was open in this memory is not, for the buffer may have been used. */
    GIVES(TSLOG_E_HANDLE, tslog_flash_commit(&log_memory, NULL, &error));
}

static void a_dump_of_the_flash_can_be_looked_at_on_a_machine(void)
{
    tslog_storage storage = blank();
    tslog_config config = config_of(16, 4);
    unsigned char records[64];
    tslog_batch batch;
    tslog_range range;
    tslog_view_info info;
    tslog_view *view;
    uint64_t seqn, cursors[4];
    size_t count;
    const char *path = below("dump.bin");
    FILE *file = fopen(path, "wb");

    CHECK(file != NULL);
    OK(tslog_flash_create(&log_memory, &storage, buffer, sizeof buffer, &config, &error));
    for (seqn = 1; seqn <= 8; seqn++) {
        store_number(seqn);
    }
    OK(tslog_flash_reader_open(&log_memory, 0, &reader, &error));
    OK(tslog_flash_reader_next_record(&log_memory, &reader, records, 16, NULL, &error));
    OK(tslog_flash_reader_commit(&log_memory, &reader, NULL, &error));
    CHECK(fwrite(chip.bytes, sizeof chip.bytes, 1, file) == 1 && fclose(file) == 0);

    OK(tslog_view_open_image(path, SLOT_SIZE, &view, &error));
    OK(tslog_view_info_of(view, &info, &error));
    CHECK(memcmp(info.id, "serial number 17", 16) == 0 && info.newest_bucket == 0);
    OK(tslog_view_numbers(view, &range, &error));
    CHECK(range.first == 1 && range.last == 8);
    OK(tslog_view_cursors(view, cursors, 4, &count, &error));
    CHECK(count == 1 && cursors[0] == 1);
    OK(tslog_view_read(view, records, sizeof records, &batch, &error));
    CHECK(batch.first == 1 && batch.count == 4 && is_number(records + 16, 2));
    OK(tslog_view_close(view, &error));
    GIVES(TSLOG_E_ARGUMENT, tslog_view_open_image(NULL, SLOT_SIZE, &view, &error));
}

/* Fills the flash with what something else has left there. */
static void fill_with(int kind)
{
    static const char *const starts[] = { "littlefs", "\xEB\x3C\x90mkfs.fat" };
    uint32_t at, noise = 1;
    memset(&chip, 0, sizeof chip);
    chip.calls_left = 1000000;
    if (kind == 0) {
        for (at = 0; at < sizeof chip.bytes; at++) {
            noise = noise * 1664525u + 1013904223u;
            chip.bytes[at] = (unsigned char)(noise >> 24);
        }
    } else if (kind == 2) {
        memset(chip.bytes, 0xFF, sizeof chip.bytes);
        memcpy(chip.bytes + 8, starts[0], 8);
    } else if (kind == 3) {
        memcpy(chip.bytes, starts[1], 11);
    }
    for (at = 0; at < sizeof chip.bytes; at++) {
        chip.written[at] = chip.bytes[at] != 0xFF;
    }
}

static void a_flash_with_something_else_is_refused_and_left_as_it_is(void)
{
    static nor before;
    tslog_storage storage = storage_of(&chip);
    tslog_config config = config_of(16, 4);
    int kind;
    for (kind = 0; kind < 4; kind++) { /* noise, zeros, littlefs, FAT */
        fill_with(kind);
        before = chip;
        GIVES(TSLOG_E_NOT_A_LOG, tslog_flash_open(&log_memory, &storage, buffer, sizeof buffer,
                                                  &config, &error));
        GIVES(TSLOG_E_NOT_A_LOG, tslog_flash_open_or_create(&log_memory, &storage, buffer,
                                                            sizeof buffer, &config, &error));
        SAYS("what is here is not a log");
        CHECK(memcmp(before.bytes, chip.bytes, sizeof chip.bytes) == 0);
        OK(tslog_flash_create(&log_memory, &storage, buffer, sizeof buffer, &config, &error));
        OK(tslog_flash_store_record(&log_memory, "x", 1, NULL, &error));
        OK(tslog_flash_close(&log_memory, &error));
        CHECK(chip.broken_rules == 0);
    }
}

static void a_geometry_that_does_not_fit_is_refused_with_what_would_do(void)
{
    tslog_storage storage = blank();
    tslog_config config = config_of(16, 4);
    storage.slot_count = 1;
    GIVES(TSLOG_E_INVALID, tslog_flash_open_or_create(&log_memory, &storage, buffer, sizeof buffer,
                                                      &config, &error));
    CHECK(error.what == TSLOG_INVALID_SLOT_COUNT && error.expected == 4 && error.got == 1);
    SAYS("at least 4 slots");
    storage.slot_count = SLOTS;
    config = config_of(SLOT_SIZE, 1);
    GIVES(TSLOG_E_INVALID, tslog_flash_open_or_create(&log_memory, &storage, buffer, sizeof buffer,
                                                      &config, &error));
    CHECK(error.what == TSLOG_INVALID_SLOT_SIZE);
    CHECK(error.expected == SLOT_SIZE + 40 && error.got == SLOT_SIZE);
    SAYS("needs slots of at least 552 bytes");
    CHECK(chip.broken_rules == 0);
}

static void wrong_arguments_are_refused_and_named(void)
{
    tslog_storage storage = blank(), bad;
    tslog_config config = config_of(16, 4);
    tslog_config wrong;
    tslog_format many[9] = { { "B", NULL } };
    tslog_stats stats;
    tslog_range range;
    size_t at;

#define OPEN(log, storage, buffer, size, config)                                                   \
    tslog_flash_create(log, storage, buffer, size, config, &error)
    GIVES(TSLOG_E_ARGUMENT, OPEN(NULL, &storage, buffer, sizeof buffer, &config));
    CHECK(error.what == TSLOG_ARGUMENT_NULL);
    SAYS("log must not be NULL");
    GIVES(TSLOG_E_ARGUMENT, OPEN(&log_memory, NULL, buffer, sizeof buffer, &config));
    GIVES(TSLOG_E_ARGUMENT, OPEN(&log_memory, &storage, NULL, sizeof buffer, &config));
    GIVES(TSLOG_E_ARGUMENT, OPEN((tslog_flash *)(void *)((char *)&log_memory + 4), &storage, buffer,
                                 sizeof buffer, &config));
    CHECK(error.what == TSLOG_ARGUMENT_ALIGNMENT);
    bad = storage;
    bad.program = NULL;
    GIVES(TSLOG_E_ARGUMENT, OPEN(&log_memory, &bad, buffer, sizeof buffer, &config));
    SAYS("storage.program must not be NULL");
    bad = storage;
    bad.size = 7;
    GIVES(TSLOG_E_ARGUMENT, OPEN(&log_memory, &bad, buffer, sizeof buffer, &config));
    CHECK(error.what == TSLOG_ARGUMENT_SIZE && error.got == 7 && error.expected == sizeof bad);
    bad = storage;
    bad.slot_count = 0x100000;
    bad.slot_size = 0x2000;
    GIVES(TSLOG_E_ARGUMENT, OPEN(&log_memory, &bad, buffer, sizeof buffer, &config));
    CHECK(error.what == TSLOG_ARGUMENT_ADDRESS);
    bad = storage;
    bad.write_size = 3;
    GIVES(TSLOG_E_INVALID, OPEN(&log_memory, &bad, buffer, sizeof buffer, &config));
    CHECK(error.what == TSLOG_INVALID_WRITE_SIZE && error.got == 3);
    wrong = config;
    wrong.size = 0;
    GIVES(TSLOG_E_ARGUMENT, OPEN(&log_memory, &storage, buffer, sizeof buffer, &wrong));
    SAYS("config.size must be");
    wrong = config;
    wrong.policy = 2;
    GIVES(TSLOG_E_ARGUMENT, OPEN(&log_memory, &storage, buffer, sizeof buffer, &wrong));
    CHECK(error.what == TSLOG_ARGUMENT_FLAG && error.got == 2);
    wrong = config;
    for (at = 0; at < 9; at++) {
        many[at].format = "B";
    }
    wrong.formats = many;
    wrong.format_count = 9;
    GIVES(TSLOG_E_ARGUMENT, OPEN(&log_memory, &storage, buffer, sizeof buffer, &wrong));
    CHECK(error.what == TSLOG_ARGUMENT_COUNT && error.expected == TSLOG_FLASH_FORMATS_MAX);
    wrong = config;
    wrong.readers = 257;
    GIVES(TSLOG_E_INVALID, OPEN(&log_memory, &storage, buffer, sizeof buffer, &wrong));
    CHECK(error.what == TSLOG_INVALID_READERS && error.got == 257);
    GIVES(TSLOG_E_INVALID, OPEN(&log_memory, &storage, buffer, 40, &config));
    CHECK(error.what == TSLOG_INVALID_BUFFER && error.got == 40);
#undef OPEN

    /* Nothing was opened, and memory that holds anything is no log. */
    GIVES(TSLOG_E_HANDLE, tslog_flash_stats(&log_memory, &stats, &error));
    memset(&log_memory, 0xA5, sizeof log_memory);
    GIVES(TSLOG_E_HANDLE, tslog_flash_commit(&log_memory, NULL, &error));
    GIVES(TSLOG_E_HANDLE, tslog_flash_close(&log_memory, &error));

    OK(tslog_flash_create(&log_memory, &storage, buffer, sizeof buffer, &config, &error));
    GIVES(TSLOG_E_ARGUMENT, tslog_flash_stats(&log_memory, NULL, &error));
    GIVES(TSLOG_E_ARGUMENT, tslog_flash_numbers(NULL, &range, &error));
    GIVES(TSLOG_E_ARGUMENT, tslog_flash_store_record(&log_memory, NULL, 1, NULL, &error));
    GIVES(TSLOG_E_INVALID, tslog_flash_store_record(&log_memory, buffer, 17, NULL, &error));
    CHECK(error.what == TSLOG_INVALID_RECORD && error.expected == 16 && error.got == 17);
    OK(tslog_flash_store_record(&log_memory, NULL, 0, NULL, NULL));
    GIVES(TSLOG_E_INVALID, tslog_flash_reader_open(&log_memory, 1, &reader, &error));
    CHECK(error.what == TSLOG_INVALID_READER && error.expected == 1 && error.got == 1);
    GIVES(TSLOG_E_INVALID, tslog_flash_reader_open(&log_memory, 256, &reader, &error));
    CHECK(error.got == 256);
    GIVES(TSLOG_E_HANDLE, tslog_flash_reader_commit(&log_memory, &reader, NULL, &error));
    SAYS("reader is not an open reader");
}

static void a_copy_of_a_log_and_the_reader_of_another_are_refused(void)
{
    tslog_storage storage = blank();
    tslog_config config = config_of(16, 4);
    static tslog_flash copy;
    static nor other_chip;
    static tslog_flash other;
    static unsigned char other_buffer[sizeof buffer];
    tslog_storage other_storage = storage_of(&other_chip);
    tslog_flash_reader older;

    memcpy(&other_chip, &chip, sizeof chip);
    OK(tslog_flash_create(&log_memory, &storage, buffer, sizeof buffer, &config, &error));
    OK(tslog_flash_create(&other, &other_storage, other_buffer, sizeof other_buffer, &config,
                          &error));
    memcpy(&copy, &log_memory, sizeof copy);
    GIVES(TSLOG_E_HANDLE, tslog_flash_commit(&copy, NULL, &error));
    OK(tslog_flash_reader_open(&log_memory, 0, &reader, &error));
    GIVES(TSLOG_E_HANDLE, tslog_flash_reader_commit(&other, &reader, NULL, &error));
    older = reader;
    OK(tslog_flash_reader_open(&log_memory, 0, &reader, &error));
    GIVES(TSLOG_E_CLOSED, tslog_flash_reader_commit(&log_memory, &older, NULL, &error));
    OK(tslog_flash_reader_commit(&log_memory, &reader, NULL, &error));
}

static void a_call_from_within_a_callback_is_refused(void)
{
    tslog_storage storage = blank();
    tslog_config config = config_of(16, 1);
    unsigned char record[16];

    OK(tslog_flash_create(&log_memory, &storage, buffer, sizeof buffer, &config, &error));
    store_number(1);
    OK(tslog_flash_reader_open(&log_memory, 0, &reader, &error));
    chip.call_back = &log_memory;
    OK(tslog_flash_reader_next_record(&log_memory, &reader, record, 16, NULL, &error));
    CHECK(chip.came_back == TSLOG_E_BUSY);
    chip.call_back = NULL;
    OK(tslog_flash_commit(&log_memory, NULL, &error));
}

static void the_sizes_that_the_header_states_are_those_of_the_library(void)
{
    CHECK(tslog_flash_size() == sizeof(tslog_flash) && tslog_flash_size() == TSLOG_FLASH_SIZE);
    CHECK(tslog_flash_align() == TSLOG_FLASH_ALIGN);
    CHECK(tslog_buffer_size(16, 8) == sizeof buffer);
    CHECK(tslog_buffer_size(1, 1) == TSLOG_BUFFER_SIZE(1, 1));
    CHECK(tslog_buffer_size((size_t)-1, 2) == 0);
    CHECK(strcmp(tslog_version(), TSLOG_VERSION) == 0);
}

int main(int argc, char **argv)
{
    static const test tests[] = {
        TEST(what_is_stored_and_closed_is_there_after_the_next_open),
        TEST(a_reader_seeks_peeks_batches_and_commits),
        TEST(a_power_cut_at_any_call_loses_nothing_committed),
        TEST(a_call_that_fails_once_stops_the_log_until_it_is_opened_again),
        TEST(a_full_flash_refuses_and_goes_on_once_it_was_read),
        TEST(the_oldest_records_go_where_the_policy_says_so_and_are_named),
        TEST(formats_are_kept_and_values_packed),
        TEST(a_dump_of_the_flash_can_be_looked_at_on_a_machine),
        TEST(a_flash_with_something_else_is_refused_and_left_as_it_is),
        TEST(a_geometry_that_does_not_fit_is_refused_with_what_would_do),
        TEST(wrong_arguments_are_refused_and_named),
        TEST(a_copy_of_a_log_and_the_reader_of_another_are_refused),
        TEST(a_call_from_within_a_callback_is_refused),
        TEST(the_sizes_that_the_header_states_are_those_of_the_library),
    };
    return run_tests(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
