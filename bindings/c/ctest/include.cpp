// The header in C++: every name can be used, and the functions have C names.
#include <tslog.h>

#include <cstdio>
#include <cstring>

int main(int argc, char **argv)
{
    const tslog_format format = { "<Qf", "time:s,temperature:degC" };
    tslog_config config = TSLOG_CONFIG_INIT;
    config.formats = &format;
    config.format_count = 1;
    tslog_error error;
    tslog_log *log = nullptr;
    tslog_reader *reader = nullptr;
    if (argc < 2 || tslog_log_open(argv[1], &config, 0, &log, &error) != TSLOG_OK) {
        std::fprintf(stderr, "%s\n", argc < 2 ? "give a folder" : error.message);
        return 1;
    }
    const tslog_value values[] = { tslog_uint(1), tslog_float(20.5) };
    tslog_value out[2];
    unsigned char bytes[12];
    tslog_record record;
    bool good = tslog_log_store(log, values, 2, nullptr, &error) == TSLOG_OK &&
                tslog_log_commit(log, nullptr, &error) == TSLOG_OK &&
                tslog_reader_open(log, 0, &reader, &error) == TSLOG_OK &&
                tslog_reader_next(reader, 0, bytes, sizeof bytes, out, 2, &record, &error) ==
                    TSLOG_OK &&
                out[1].as.real == 20.5 && tslog_reader_close(reader, nullptr) == TSLOG_OK &&
                tslog_log_close(log, nullptr) == TSLOG_OK;
    static tslog_flash memory;
    good = good && sizeof memory == tslog_flash_size() && tslog_bool(1).as.boolean == 1 &&
           tslog_int(-1).as.integer == -1 && tslog_bytes("a", 1).as.bytes.size == 1;
    std::puts(good ? "ok" : error.message);
    return good ? 0 : 1;
}
