/*
 * tslog.h: a crash-safe time-series log, for C99 and C++11.
 *
 * Fixed-length records go into the log at once; readers take them out in order, and acknowledge
 * them. What was committed survives resets and power cuts, and what is lost is named, to the record.
 *
 * There are two APIs over the same bytes:
 *
 *   tslog_log_..., tslog_reader_..., tslog_view_...   a folder on a machine with an operating system
 *   tslog_flash_...                                   flash on a microcontroller: no heap, no threads
 *
 * The library for a machine has both, the one for a microcontroller has the second, and
 * tslog_pack, tslog_unpack, tslog_strerror and tslog_version.
 *
 * RESULTS. A function that can fail returns TSLOG_OK (0), TSLOG_NONE (1) where there is nothing
 * more to read, which is no error, or one of the negative TSLOG_E_... codes. Each such function has
 * a last argument `error` for the details, which may be NULL; it is filled in by every call, whether
 * that fails or not. Unless the code says otherwise, a call that failed has changed nothing and can
 * be made again.
 *
 * ARGUMENTS. A pointer that may be NULL is said to be so; NULL elsewhere gives TSLOG_E_ARGUMENT.
 * Results are written through pointers only if the call returns TSLOG_OK. Memory that a call writes
 * must not overlap any other argument of the same call. Text ends with a zero byte and is UTF-8;
 * names of files may be any bytes. Sizes are bytes, times are milliseconds.
 *
 * OWNERSHIP. The library keeps no pointer that it is given, except what tslog_flash_open names. It
 * gives out no memory either: handles are closed, and that is all.
 *
 * HANDLES of logs, readers and views in folders are numbers that look like pointers. One that was
 * closed gives TSLOG_E_CLOSED and one that never was gives TSLOG_E_HANDLE; neither is ever followed.
 * After fork() they belong to the parent; the child opens its own.
 *
 * THREADS. Every function over folders may be called from any thread at any time. Several threads
 * may store through one handle; a reader does not wait for the writer's sync. The functions over
 * flash take no lock: see tslog_flash.
 *
 * EXAMPLE. The check of the bindings compiles and runs these lines.
 *
 *   #include <inttypes.h>
 *   #include <stdio.h>
 *   #include <tslog.h>
 *
 *   int main(int argc, char **argv)
 *   {
 *       const char *folder = argc > 1 ? argv[1] : "readings";
 *       const tslog_format format = { "<Qf", "time:s,temperature:degC" };
 *       tslog_config config = TSLOG_CONFIG_INIT;
 *       tslog_value values[2];
 *       unsigned char bytes[12];
 *       tslog_record record;
 *       tslog_error error;
 *       tslog_log *log;
 *       tslog_reader *uplink;
 *
 *       config.formats = &format;
 *       config.format_count = 1;
 *       if (tslog_log_open(folder, &config, 0, &log, &error) != TSLOG_OK) {
 *           fprintf(stderr, "%s: %s\n", folder, error.message);
 *           return 1;
 *       }
 *       values[0] = tslog_uint(1700000000);
 *       values[1] = tslog_float(20.5);
 *       if (tslog_log_store(log, values, 2, NULL, &error) != TSLOG_OK ||
 *           tslog_log_commit(log, NULL, &error) != TSLOG_OK ||
 *           tslog_reader_open(log, 0, &uplink, &error) != TSLOG_OK) {
 *           fprintf(stderr, "%s: %s\n", folder, error.message);
 *           return 1;
 *       }
 *       while (tslog_reader_next(uplink, 0, bytes, sizeof bytes, values, 2, &record, &error) ==
 *              TSLOG_OK) {
 *           printf("%" PRIu64 ": %" PRIu64 " s, %.1f degC\n", record.seqn, values[0].as.uinteger,
 *                  values[1].as.real);
 *       }
 *       tslog_reader_commit(uplink, NULL, NULL);
 *       tslog_reader_close(uplink, NULL);
 *       return tslog_log_close(log, NULL) == TSLOG_OK ? 0 : 1;
 *   }
 */
#ifndef TSLOG_H
#define TSLOG_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header; tslog_version() gives that of the library. */
#define TSLOG_VERSION "0.1.0"

/* ---------------------------------------------------------------------------------------------
 * Results
 * ------------------------------------------------------------------------------------------ */

/* What a function returns. */
enum tslog_result {
    TSLOG_OK = 0,
    /* There is nothing more to read yet. */
    TSLOG_NONE = 1,
    /* The log or the reader was closed, or a newer handle took its place. */
    TSLOG_E_CLOSED = -1,
    /* Committed records `first` to `last` do not read back. The reader stands behind them. */
    TSLOG_E_DAMAGED = -2,
    /* The log has given its last number. */
    TSLOG_E_EXHAUSTED = -3,
    /* There is no room, and the readers still need every bucket. Once they have read and committed,
       storing works again. */
    TSLOG_E_FULL = -4,
    /* The log refused a value; `what` is one of TSLOG_INVALID_... */
    TSLOG_E_INVALID = -5,
    /* Another writer, or another reader of this number, has the log; `holder` is its process, or 0
       where it is not known. */
    TSLOG_E_LOCKED = -6,
    /* TSLOG_POLICY_DROP_OLDEST gave up records `first` to `last` before this reader read them. The
       reader stands behind them. */
    TSLOG_E_LOST = -7,
    /* The log was made with other parameters; `what` is one of TSLOG_MISMATCH_..., `expected` is
       the log's value and `got` the caller's. Nothing was opened. */
    TSLOG_E_MISMATCH = -8,
    /* There is no log here. */
    TSLOG_E_NO_LOG = -9,
    /* There is something here, and it is not a log. */
    TSLOG_E_NOT_A_LOG = -10,
    /* A write or a sync failed earlier, so what the medium holds is not known: open the log again. */
    TSLOG_E_POISONED = -11,
    /* The medium failed; `system` is errno, or what the callback returned. After a failed write or
       sync the log is poisoned. */
    TSLOG_E_STORAGE = -12,
    /* The log has layout version `got`, later than this library knows. */
    TSLOG_E_VERSION = -13,
    /* An argument cannot be used as it is; `what` is one of TSLOG_ARGUMENT_... */
    TSLOG_E_ARGUMENT = -20,
    /* This is no handle of the kind that the function takes. */
    TSLOG_E_HANDLE = -21,
    /* The log is in use: by another thread, an interrupt, or the call that this callback serves. */
    TSLOG_E_BUSY = -22,
    /* A bug in the library; the message has its words. Close the handle. */
    TSLOG_E_BUG = -23,
    /* An error that this version of the bindings has no code for; the message has its words. */
    TSLOG_E_OTHER = -24
};

/* Why TSLOG_E_INVALID, TSLOG_E_MISMATCH or TSLOG_E_ARGUMENT was returned. */
enum tslog_what {
    TSLOG_WHAT_NONE = 0,

    /* The memory for a batch or a record is too short: `expected` bytes, `got` bytes. */
    TSLOG_INVALID_BUFFER = 1,
    /* `bucket_size` must be at least 1 record and fit a slot. */
    TSLOG_INVALID_BUCKET_SIZE = 2,
    /* `commit_delta` must be at least 1 record. */
    TSLOG_INVALID_COMMIT_DELTA = 3,
    /* A log needs at least 4 slots, and the storage has `got`. */
    TSLOG_INVALID_SLOT_COUNT = 4,
    /* The name of field `index` was refused; the message says why. */
    TSLOG_INVALID_FIELD_NAME = 5,
    /* The format has `expected` values and came with `got` names. */
    TSLOG_INVALID_FIELDS = 6,
    /* The format is not understood at character `index`; the message says what was expected. */
    TSLOG_INVALID_FORMAT = 7,
    /* The log has `got` formats: too many, or not as many as the call needs. */
    TSLOG_INVALID_FORMATS = 8,
    /* A batch of `commit_delta` records needs `expected` bytes, and a slot has `got` for it. */
    TSLOG_INVALID_BATCH = 9,
    /* The number of readers must be 1 to 4. */
    TSLOG_INVALID_READERS = 10,
    /* Reader `got` is not below the number of readers, `expected`. */
    TSLOG_INVALID_READER = 11,
    /* The record may have `expected` bytes and has `got`. */
    TSLOG_INVALID_RECORD = 12,
    /* `record_size` is 0, or larger than any log can hold. */
    TSLOG_INVALID_RECORD_SIZE = 13,
    /* Number `got` is not in the log, which has `first` to `last`. */
    TSLOG_INVALID_SEQN = 14,
    /* Tag `got` is not below the number of formats, `expected`. */
    TSLOG_INVALID_TAG = 15,
    /* The packed values need `expected` bytes, and there is room for `got`. */
    TSLOG_INVALID_VALUES_BUFFER = 16,
    /* The format has `expected` values, and `got` were given. */
    TSLOG_INVALID_VALUES_COUNT = 17,
    /* Value `index` is not of the kind that its code takes, or out of its range. */
    TSLOG_INVALID_VALUES_VALUE = 18,
    /* A reason that this version of the bindings has no code for; the message has its words. */
    TSLOG_INVALID_OTHER = 19,
    /* The log needs slots of at least `expected` bytes, and those of the storage have `got`. */
    TSLOG_INVALID_SLOT_SIZE = 20,
    /* The storage must be written in words of 1, 2, 4, 8, 16 or 32 bytes, and `got` were given. */
    TSLOG_INVALID_WRITE_SIZE = 21,

    TSLOG_MISMATCH_BUCKET_SIZE = 32,
    /* The format at `index` is another one, or its fields have other names. */
    TSLOG_MISMATCH_FORMAT = 33,
    TSLOG_MISMATCH_FORMATS = 34,
    TSLOG_MISMATCH_RECORD_SIZE = 35,
    TSLOG_MISMATCH_SLOT_SIZE = 36,
    TSLOG_MISMATCH_SLOT_COUNT = 37,
    TSLOG_MISMATCH_WRITE_SIZE = 38,
    TSLOG_MISMATCH_OTHER = 39,

    /* It is NULL. */
    TSLOG_ARGUMENT_NULL = 64,
    /* It does not lie on a multiple of the alignment of its type. */
    TSLOG_ARGUMENT_ALIGNMENT = 65,
    /* Its first member must be `expected`, its size, and is `got`: use the ..._INIT macro. */
    TSLOG_ARGUMENT_SIZE = 66,
    /* The text is not UTF-8. */
    TSLOG_ARGUMENT_TEXT = 67,
    /* Value `index` is of no kind there is, `got`. */
    TSLOG_ARGUMENT_KIND = 68,
    /* A flag or a policy that this library does not know, `got`. */
    TSLOG_ARGUMENT_FLAG = 69,
    /* There are more than `expected`: `got`. */
    TSLOG_ARGUMENT_COUNT = 70,
    /* There is room for `got` values or bytes, and `expected` are needed. */
    TSLOG_ARGUMENT_ROOM = 71,
    /* `slot_count` times `slot_size` goes beyond 32-bit addresses. */
    TSLOG_ARGUMENT_ADDRESS = 72
};

/* Bytes of an error's message, the zero byte at its end included. */
#define TSLOG_MESSAGE_SIZE 160

/* The details of an error. What the code does not speak of is 0. A program on a microcontroller
   that is short of stack gives NULL, or the address of a static one. */
typedef struct tslog_error {
    int32_t code;      /* what the function returned */
    int32_t what;      /* one of enum tslog_what */
    uint64_t first;    /* the first number of the range that the error names */
    uint64_t last;     /* its last number */
    uint64_t expected; /* what was expected, or what the log was made with */
    uint64_t got;      /* what came */
    uint32_t index;    /* of the value, field, format or character, from 0 */
    int32_t system;    /* errno, or what the callback returned */
    uint32_t holder;   /* the process that has the lock */
    uint32_t reserved;
    /* The error in one sentence, cut if it is too long; empty if there was none, and in the library
       for microcontrollers, where tslog_strerror(code) has to do. */
    char message[TSLOG_MESSAGE_SIZE];
} tslog_error;

/* A sentence for a code, never NULL, never to be freed. */
const char *tslog_strerror(int code);

/* The version of the library, "0.1.0"; never to be freed. */
const char *tslog_version(void);

/* ---------------------------------------------------------------------------------------------
 * Formats and values
 * ------------------------------------------------------------------------------------------ */

/*
 * The format of a record. `format` is what Python's struct takes: codes x c b B ? h H i I l L q Q
 * n N e f d s p P with counts, behind one of < > ! = @ or none. Without a prefix and with @, sizes,
 * padding and byte order are those of this machine, as in a C struct; the log keeps the explicit
 * form, so that its bytes mean the same everywhere. `fields` names the values and their units,
 * "time:s,temperature:degC", or is NULL or "" for no names.
 */
typedef struct tslog_format {
    const char *format;
    const char *fields;
} tslog_format;

/* The kinds of a value. */
enum tslog_kind {
    TSLOG_BOOL = 1,  /* what ? gives */
    TSLOG_BYTES = 2, /* what c, s and p give */
    TSLOG_FLOAT = 3, /* what e, f and d give */
    TSLOG_INT = 4,   /* what b, h, i, l, q and n give */
    TSLOG_UINT = 5   /* what B, H, I, L, Q, N and P give */
};

/* One value of a record. An integer of either kind is taken wherever it is in range. */
typedef struct tslog_value {
    uint32_t kind; /* one of enum tslog_kind, says which member of `as` counts */
    union {
        uint64_t boolean; /* 0 for false, anything else for true */
        double real;
        int64_t integer;
        uint64_t uinteger;
        struct {
            const void *data; /* may be NULL if `size` is 0 */
            size_t size;
        } bytes;
    } as;
} tslog_value;

static inline tslog_value tslog_bool(int truth)
{
    tslog_value value;
    value.kind = TSLOG_BOOL;
    value.as.boolean = truth != 0;
    return value;
}

static inline tslog_value tslog_bytes(const void *data, size_t size)
{
    tslog_value value;
    value.kind = TSLOG_BYTES;
    value.as.bytes.data = data;
    value.as.bytes.size = size;
    return value;
}

static inline tslog_value tslog_float(double number)
{
    tslog_value value;
    value.kind = TSLOG_FLOAT;
    value.as.real = number;
    return value;
}

static inline tslog_value tslog_int(int64_t number)
{
    tslog_value value;
    value.kind = TSLOG_INT;
    value.as.integer = number;
    return value;
}

static inline tslog_value tslog_uint(uint64_t number)
{
    tslog_value value;
    value.kind = TSLOG_UINT;
    value.as.uinteger = number;
    return value;
}

/* The most values that tslog_pack takes. tslog_log_store takes any number. */
#define TSLOG_PACK_VALUES_MAX 32

/* Bytes of a record of this format, and how many values it has; either pointer may be NULL. */
int tslog_format_size(const char *format, uint32_t *size, uint32_t *values, tslog_error *error);

/* Writes values into `out` as the format says, padding as zeros; `size` may be NULL and gets how
   many bytes were written. What `out` holds after a failure is not specified. */
int tslog_pack(const char *format, const tslog_value *values, size_t count, void *out,
               size_t out_size, size_t *size, tslog_error *error);

/* Reads the values of a packed record. Those of kind TSLOG_BYTES point into `record`. `count` gets
   how many there are; if they are more than `capacity`, nothing is written. */
int tslog_unpack(const char *format, const void *record, size_t record_size, tslog_value *values,
                 size_t capacity, size_t *count, tslog_error *error);

/* ---------------------------------------------------------------------------------------------
 * Parameters and figures
 * ------------------------------------------------------------------------------------------ */

/* What storing does when there is no room and a reader still needs the oldest bucket. */
enum tslog_policy {
    /* It returns TSLOG_E_FULL; nothing unread is ever given up. */
    TSLOG_POLICY_ERROR = 0,
    /* The oldest bucket goes, and each reader that had not read it gets TSLOG_E_LOST, once. */
    TSLOG_POLICY_DROP_OLDEST = 1
};

/* The parameters of a log. `formats`, `record_size` and `bucket_size` are its shape: the log keeps
   them, and refuses to be opened with others. Begin with TSLOG_CONFIG_INIT. */
typedef struct tslog_config {
    uint32_t size;          /* sizeof(tslog_config) */
    uint32_t record_size;   /* bytes of a raw record, 1 or more; 0 for what the log says, 128 for a
                               new one. Ignored with formats, which give the size */
    uint32_t bucket_size;   /* the most records in a bucket; 0 for what the log says, 1024 for new */
    uint32_t commit_delta;  /* storing commits by itself after this many records, 1 or more */
    uint32_t readers;       /* how many readers the log waits for, 1 to 4 */
    uint32_t max_buckets;   /* the most buckets, 2 or more; 0 for no limit */
    uint32_t policy;        /* one of enum tslog_policy */
    uint32_t commit_interval_ms; /* the longest that a record in a folder waits for a commit, which a
                               thread sees to; 0 for no bound. Flash has no clock: not looked at */
    uint32_t background_commit; /* other than 0: in a folder a thread makes the commits, and storing
                               waits for none. Then more than `commit_delta` records may be lost
                               with the power; what tslog_log_commit returned for is durable */
    uint32_t format_count;  /* how many formats; from 2 on, records carry a tag byte in front */
    const tslog_format *formats; /* NULL for what the log says; a new log then has raw records. To
                               insist on raw records, anything but NULL with a count of 0 */
    uint8_t id[16];         /* the id of a log made on flash; one in a folder draws its own */
} tslog_config;

#define TSLOG_CONFIG_INIT                                                                          \
    {                                                                                              \
        sizeof(tslog_config), 0, 0, 16, 1, 0, TSLOG_POLICY_ERROR, 0, 0, 0, NULL, { 0 }             \
    }

/* Figures of a log at one moment. */
typedef struct tslog_stats {
    uint64_t seqn;          /* the last number given; 0 if there is none */
    uint64_t committed;     /* the last number that is durable */
    uint64_t lag;           /* records between the last number and the slowest reader */
    uint32_t bucket;        /* the index of the bucket that holds the last record */
    uint32_t oldest_bucket; /* the index of the oldest bucket that is kept */
} tslog_stats;

/* What opening a log found. */
typedef struct tslog_report {
    uint64_t lost_first;     /* committed numbers that are gone, or 0 */
    uint64_t lost_last;      /* the last of them, or 0 */
    uint32_t abandoned_size; /* bytes behind the last commit that belong to none */
    uint8_t clean;           /* 1 if the log was closed in order or is new, or else 0 */
    uint8_t header_damaged;  /* 1 if one of the two copies of the log header is damaged, or else 0 */
    uint8_t reserved[2];
} tslog_report;

/* The sizes of a log. */
typedef struct tslog_shape {
    uint32_t record_size;  /* bytes of a record, the tag byte included */
    uint32_t bucket_size;  /* the most records in a bucket */
    uint32_t format_count; /* 0 if its records are raw */
    uint32_t values_max;   /* the most values that any of its formats has */
} tslog_shape;

/* A record that was read by its format. */
typedef struct tslog_record {
    uint64_t seqn;  /* its number */
    uint32_t tag;   /* which of the formats it has; 0 if there is one */
    uint32_t count; /* how many values it has */
} tslog_record;

/* Records that lie back to back in the caller's memory, `record_size` bytes each. */
typedef struct tslog_batch {
    uint64_t first; /* the number of the first */
    uint32_t count; /* how many there are, at least 1 */
    uint32_t reserved;
} tslog_batch;

/* A run of numbers, both included; empty if `last` is below `first`. */
typedef struct tslog_range {
    uint64_t first;
    uint64_t last;
} tslog_range;

/* ---------------------------------------------------------------------------------------------
 * A log in a folder: one writer
 * ------------------------------------------------------------------------------------------ */

typedef struct tslog_log tslog_log;
typedef struct tslog_reader tslog_reader;
typedef struct tslog_view tslog_view;

/* Flags of tslog_log_open. */
enum tslog_open_flag {
    /* Begin with an empty log, at number 1, even if there is one. */
    TSLOG_RECREATE = 1,
    /* Return TSLOG_E_NO_LOG rather than make a log. */
    TSLOG_EXISTING = 2
};

/* Opens the log in a folder, or makes it and the folder. `config` may be NULL for the defaults,
   which take the shape from the log. One process at a time can have it open for writing. */
int tslog_log_open(const char *folder, const tslog_config *config, uint32_t flags, tslog_log **log,
                   tslog_error *error);

/* Commits and closes; readers of this log are closed with it. The handle is gone even if the commit
   fails. Closing again is no error. */
int tslog_log_close(tslog_log *log, tslog_error *error);

/* Lets go of the log without a commit, as a crash would: what was not committed is gone. Readers
   that are open keep the folder locked until they are closed. */
int tslog_log_abandon(tslog_log *log, tslog_error *error);

/* Stores values by the one format of the log. `seqn` may be NULL and gets the number. Commits as soon
   as `commit_delta` records are waiting; after a TSLOG_E_STORAGE of that commit it is not known
   whether they are durable, and the log has to be opened again. */
int tslog_log_store(tslog_log *log, const tslog_value *values, size_t count, uint64_t *seqn,
                    tslog_error *error);

/* The same for a log with several formats: `tag` says which, from 0. */
int tslog_log_store_with_tag(tslog_log *log, uint32_t tag, const tslog_value *values, size_t count,
                             uint64_t *seqn, tslog_error *error);

/* Stores up to `record_size` raw bytes, filled up with zeros. `data` may be NULL if `size` is 0. */
int tslog_log_store_record(tslog_log *log, const void *data, size_t size, uint64_t *seqn,
                           tslog_error *error);

/* Makes everything stored durable. `seqn` may be NULL and gets the last number, 0 for none. */
int tslog_log_commit(tslog_log *log, uint64_t *seqn, tslog_error *error);

int tslog_log_stats(tslog_log *log, tslog_stats *stats, tslog_error *error);

/* How many records are stored and not yet committed. */
int tslog_log_uncommitted(tslog_log *log, uint64_t *count, tslog_error *error);

/* What opening found. */
int tslog_log_report(tslog_log *log, tslog_report *report, tslog_error *error);

/* ---------------------------------------------------------------------------------------------
 * Readers of a log in a folder
 * ------------------------------------------------------------------------------------------ */

/* A handle for reader `n`, from 0, of a log that is open here. It starts behind the last committed
   cursor, and takes the place of an older handle of the same reader. */
int tslog_reader_open(tslog_log *log, uint32_t n, tslog_reader **reader, tslog_error *error);

/* Reader `n` of a log that another process may be writing. */
int tslog_reader_open_folder(const char *folder, uint32_t n, tslog_reader **reader,
                             tslog_error *error);

/* Lets go of the reader without a commit. Closing again is no error. */
int tslog_reader_close(tslog_reader *reader, tslog_error *error);

/*
 * The next record as values: its bytes go to `record`, which needs `record_size` bytes by
 * tslog_shape_of, and its values to `values`, which needs room for `values_max`; those of kind
 * TSLOG_BYTES point into `record`. Returns TSLOG_NONE if nothing more is durable; with a `wait_ms`
 * above 0 it looks again every `wait_ms` milliseconds until there is a record, or the reader is
 * closed. On a log of raw records it returns TSLOG_E_INVALID and the reader stays where it is. A
 * record with a tag of no format, which only tslog_log_store_record can store, gives
 * TSLOG_INVALID_TAG; its bytes are in `record`, and the reader stands behind it.
 */
int tslog_reader_next(tslog_reader *reader, uint32_t wait_ms, void *record, size_t record_size,
                      tslog_value *values, size_t capacity, tslog_record *out, tslog_error *error);

/* The same, but the reader stays where it is. */
int tslog_reader_peek(tslog_reader *reader, uint32_t wait_ms, void *record, size_t record_size,
                      tslog_value *values, size_t capacity, tslog_record *out, tslog_error *error);

/* The next record as bytes, the tag included; `seqn` may be NULL and gets its number. */
int tslog_reader_next_record(tslog_reader *reader, uint32_t wait_ms, void *record,
                             size_t record_size, uint64_t *seqn, tslog_error *error);

/* The same, but the reader stays where it is. */
int tslog_reader_peek_record(tslog_reader *reader, uint32_t wait_ms, void *record,
                             size_t record_size, uint64_t *seqn, tslog_error *error);

/* As many records as fit into `records` and are at hand, of one commit or of several; TSLOG_NONE if
 * there is none. */
int tslog_reader_read_batch(tslog_reader *reader, void *records, size_t size, tslog_batch *batch,
                            tslog_error *error);

/* Makes `seqn` the next record to be read, from 1 to the one that is still to come. */
int tslog_reader_seek(tslog_reader *reader, uint64_t seqn, tslog_error *error);

/* Makes the cursor durable: what was read so far may be forgotten. `cursor` may be NULL. */
int tslog_reader_commit(tslog_reader *reader, uint64_t *cursor, tslog_error *error);

/* The last number read; 0 before the first. */
int tslog_reader_cursor(tslog_reader *reader, uint64_t *cursor, tslog_error *error);

/* How many records were read and not yet committed. */
int tslog_reader_uncommitted(tslog_reader *reader, uint64_t *count, tslog_error *error);

/* How many durable records are still ahead. */
int tslog_reader_lag(tslog_reader *reader, uint64_t *count, tslog_error *error);

/* ---------------------------------------------------------------------------------------------
 * Looking at a log without a lock and without changing it
 * ------------------------------------------------------------------------------------------ */

/* What a look at a log finds besides its records. */
typedef struct tslog_view_info {
    uint8_t id[16];          /* of the log: with a number, it names a record for ever */
    uint32_t generation;     /* how often the log was made anew here */
    uint32_t abandoned_size; /* bytes behind the last commit that belong to none */
    uint32_t oldest_bucket;  /* the oldest bucket, UINT32_MAX if there is none */
    uint32_t newest_bucket;  /* the newest bucket, UINT32_MAX if there is none */
    uint8_t header_damaged;  /* 1 if one of the two copies of the log header is damaged */
    uint8_t reserved[3];
} tslog_view_info;

/* Looks at a folder that may be in use. */
int tslog_view_open(const char *folder, tslog_view **view, tslog_error *error);

/* Looks at a dump of flash with slots of `slot_size` bytes. */
int tslog_view_open_image(const char *file, uint32_t slot_size, tslog_view **view,
                          tslog_error *error);

/* Closing again is no error. */
int tslog_view_close(tslog_view *view, tslog_error *error);

/* Looks again how far the log goes. */
int tslog_view_refresh(tslog_view *view, tslog_error *error);

/* The next records, as many as fit and lie in one commit; TSLOG_NONE at the end. TSLOG_E_DAMAGED
   names numbers that do not read back, and the next call goes on behind them. */
int tslog_view_read(tslog_view *view, void *records, size_t size, tslog_batch *batch,
                    tslog_error *error);

/* Makes `seqn` the next number to be looked at, or the first there is. */
int tslog_view_seek(tslog_view *view, uint64_t seqn, tslog_error *error);

/* The numbers that are there. */
int tslog_view_numbers(tslog_view *view, tslog_range *range, tslog_error *error);

/* The committed cursors of up to `capacity` readers, 4 at most; `count` gets how many there are. */
int tslog_view_cursors(tslog_view *view, uint64_t *cursors, size_t capacity, size_t *count,
                       tslog_error *error);

int tslog_view_info_of(tslog_view *view, tslog_view_info *info, tslog_error *error);

/* The first number of a bucket; TSLOG_NONE if its header does not read back. */
int tslog_view_bucket_first(tslog_view *view, uint32_t bucket, uint64_t *seqn, tslog_error *error);

/* ---------------------------------------------------------------------------------------------
 * The schema of a log: `handle` is that of a log, a reader or a view
 * ------------------------------------------------------------------------------------------ */

int tslog_shape_of(const void *handle, tslog_shape *shape, tslog_error *error);

/* Copies the explicit form of format `index`, from 0, and the names of its fields, both with a zero
   byte at the end. TSLOG_ARGUMENT_ROOM says in `expected` how many bytes are needed. */
int tslog_format_of(const void *handle, uint32_t index, char *format, size_t format_size,
                    char *fields, size_t fields_size, tslog_error *error);

/* The values of a record that was read as bytes. Those of kind TSLOG_BYTES point into `record`;
   `out->seqn` is set to 0. */
int tslog_decode(const void *handle, const void *record, size_t record_size, tslog_value *values,
                 size_t capacity, tslog_record *out, tslog_error *error);

/* ---------------------------------------------------------------------------------------------
 * A log on flash, for microcontrollers
 * ------------------------------------------------------------------------------------------ */

/*
 * The flash, as a run of slots that begins at address 0: `slot_count` times `slot_size` bytes. A
 * slot is what is erased at once, one or more erase blocks. Bytes that were erased read 0xFF, and
 * none is programmed twice between two erases.
 *
 * Callbacks get `user` back, return 0 if they succeeded or a number of their own, which comes out
 * in `error->system`, and must not call the log. They return in the ordinary way: no longjmp, no
 * C++ exception. A power cut may leave the bytes of a program or an erase that it met as anything.
 */
typedef struct tslog_storage {
    uint32_t size;       /* sizeof(tslog_storage) */
    uint32_t slot_count; /* 4 or more; the first two hold the header */
    uint32_t slot_size;  /* bytes, 128 or more */
    uint32_t write_size; /* 1, 2, 4, 8, 16 or 32: programs begin and end on a multiple of it */
    void *user;          /* may be NULL */
    int (*read)(void *user, uint32_t address, void *out, uint32_t size);
    int (*program)(void *user, uint32_t address, const void *data, uint32_t size);
    int (*erase)(void *user, uint32_t address, uint32_t size); /* one slot */
    int (*sync)(void *user); /* returns once earlier calls survive a power cut; may be NULL */
} tslog_storage;

/* Bytes and alignment of tslog_flash, as tslog_flash_size() and tslog_flash_align() give them. */
#if UINTPTR_MAX > 0xFFFFFFFFu
#define TSLOG_FLASH_SIZE 384
#else
#define TSLOG_FLASH_SIZE 320
#endif
#define TSLOG_FLASH_ALIGN 8

/*
 * A log on flash, in memory of the caller: static, or wherever it lives as long as the log is open.
 * It must not be moved or copied while it is open; a copy is refused with TSLOG_E_HANDLE.
 *
 * THREADS. One call at a time. A second one, from an interrupt, a callback or another core, gets
 * TSLOG_E_BUSY; on cores without atomic instructions, such as Cortex-M0, that holds for callbacks
 * and interrupts, and threads need a lock of their own.
 */
typedef struct tslog_flash {
    uint64_t opaque[TSLOG_FLASH_SIZE / 8];
} tslog_flash;

/* A reader of a log on flash, in memory of the caller. It needs no closing. */
typedef struct tslog_flash_reader {
    uint32_t opaque[5];
} tslog_flash_reader;

/* The most formats of a log that is made or opened here. */
#define TSLOG_FLASH_FORMATS_MAX 8

/* Bytes of the buffer that a batch is gathered in, for an array and for a size known later. */
#define TSLOG_BUFFER_SIZE(record_size, commit_delta)                                               \
    (32 + (8 + (record_size) * (commit_delta) + 31) / 32 * 32)

size_t tslog_buffer_size(size_t record_size, size_t commit_delta);

size_t tslog_flash_size(void);
size_t tslog_flash_align(void);

/*
 * Opens the log that is there; TSLOG_E_NO_LOG if there is none. Nothing is written and nothing is
 * ever formatted. `log` may hold anything before: a log that was open in it is forgotten without a
 * commit, even if the call fails. The log keeps `buffer` and what the callbacks need until it is
 * closed, and nothing else. `config` may be NULL for the defaults.
 */
int tslog_flash_open(tslog_flash *log, const tslog_storage *storage, void *buffer,
                     size_t buffer_size, const tslog_config *config, tslog_error *error);

/* Makes an empty log in place of what may be there. A power cut leaves all of the old log or the
   new one. */
int tslog_flash_create(tslog_flash *log, const tslog_storage *storage, void *buffer,
                       size_t buffer_size, const tslog_config *config, tslog_error *error);

/* Opens the log that is there, or makes one if the flash is blank. */
int tslog_flash_open_or_create(tslog_flash *log, const tslog_storage *storage, void *buffer,
                               size_t buffer_size, const tslog_config *config, tslog_error *error);

/* Commits, marks the log as closed in order, and lets go of the buffer, even if that fails. Closing
   again is no error. To let go without a commit, as a crash would, just stop using the log. */
int tslog_flash_close(tslog_flash *log, tslog_error *error);

/* Stores up to `record_size` bytes, filled up with zeros; tslog_pack makes them out of values. With
   several formats the first byte is the tag. `seqn` may be NULL. */
int tslog_flash_store_record(tslog_flash *log, const void *data, size_t size, uint64_t *seqn,
                             tslog_error *error);

int tslog_flash_commit(tslog_flash *log, uint64_t *seqn, tslog_error *error);

/* To be called when there is time, once for each commit or more often: erases the next bucket if the
   next commit may need it, so that storing does not wait for an erase. `done` may be NULL and gets 1
   if something was erased, or else 0; most of the time there is nothing to do, and no callback is
   called. A device that is switched off between two calls gains nothing by it. */
int tslog_flash_poll(tslog_flash *log, int *done, tslog_error *error);

int tslog_flash_stats(tslog_flash *log, tslog_stats *stats, tslog_error *error);
int tslog_flash_uncommitted(tslog_flash *log, uint64_t *count, tslog_error *error);
int tslog_flash_report(tslog_flash *log, tslog_report *report, tslog_error *error);

/* The numbers that can be read. */
int tslog_flash_numbers(tslog_flash *log, tslog_range *range, tslog_error *error);

/* Bytes in a record, and the most records in a bucket; either pointer may be NULL. */
int tslog_flash_sizes(tslog_flash *log, uint32_t *record_size, uint32_t *bucket_size,
                      tslog_error *error);

/* The functions of readers do what those of tslog_reader_... do; `log` is the one the reader was
   opened with. `reader` may hold anything before it is opened. */
int tslog_flash_reader_open(tslog_flash *log, uint32_t n, tslog_flash_reader *reader,
                            tslog_error *error);
int tslog_flash_reader_next_record(tslog_flash *log, tslog_flash_reader *reader, void *record,
                                   size_t record_size, uint64_t *seqn, tslog_error *error);
int tslog_flash_reader_peek_record(tslog_flash *log, tslog_flash_reader *reader, void *record,
                                   size_t record_size, uint64_t *seqn, tslog_error *error);
int tslog_flash_reader_read_batch(tslog_flash *log, tslog_flash_reader *reader, void *records,
                                  size_t size, tslog_batch *batch, tslog_error *error);
int tslog_flash_reader_seek(tslog_flash *log, tslog_flash_reader *reader, uint64_t seqn,
                            tslog_error *error);
int tslog_flash_reader_commit(tslog_flash *log, tslog_flash_reader *reader, uint64_t *cursor,
                              tslog_error *error);
int tslog_flash_reader_cursor(tslog_flash *log, tslog_flash_reader *reader, uint64_t *cursor,
                              tslog_error *error);
int tslog_flash_reader_uncommitted(tslog_flash *log, tslog_flash_reader *reader, uint64_t *count,
                                   tslog_error *error);
int tslog_flash_reader_lag(tslog_flash *log, tslog_flash_reader *reader, uint64_t *count,
                           tslog_error *error);

#ifdef __cplusplus
}
#endif

#endif
