/* What the test programs share: checks that say where they failed, and a folder to work in. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tslog.h>

static tslog_error error;

/* The folder that the program was given; nothing is in it. */
static const char *base;

#define CHECK(truth)                                                                               \
    do {                                                                                           \
        if (!(truth)) {                                                                            \
            fprintf(stderr, "%s:%d: %s: not so: %s\n", __FILE__, __LINE__, __func__, #truth);      \
            fprintf(stderr, "the last error: %d: %s\n", (int)error.code, error.message);           \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define GIVES(wanted, call)                                                                        \
    do {                                                                                           \
        int came = (call);                                                                         \
        if (came != (wanted)) {                                                                    \
            fprintf(stderr, "%s:%d: %s: %s gave %d, not %s\n", __FILE__, __LINE__, __func__,       \
                    #call, came, #wanted);                                                         \
            fprintf(stderr, "the last error: %d: %s\n", (int)error.code, error.message);           \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define OK(call) GIVES(TSLOG_OK, call)

/* The message has these words. */
#define SAYS(words) CHECK(strstr(error.message, words) != NULL)

/* A test is a function whose name says what holds. */
typedef struct test {
    const char *name;
    void (*run)(void);
} test;

#define TEST(name) { #name, name }

/* Runs all tests, or the one that is named behind the folder. */
static int run_tests(int argc, char **argv, const test *tests, size_t count)
{
    size_t at, ran = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: %s FOLDER [TEST]\n", argv[0]);
        return 2;
    }
    base = argv[1];
    for (at = 0; at < count; at++) {
        if (argc > 2 && strcmp(argv[2], tests[at].name) != 0) {
            continue;
        }
        memset(&error, 0, sizeof error);
        tests[at].run();
        printf("ok %s\n", tests[at].name);
        ran++;
    }
    if (ran == 0) {
        fprintf(stderr, "there is no test %s\n", argc > 2 ? argv[2] : "");
        return 2;
    }
    return 0;
}

/* A path below the folder of the program. There are a few at a time. */
static const char *below(const char *name)
{
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    if (snprintf(path, sizeof paths[0], "%s/%s", base, name) >= (int)sizeof paths[0]) {
        fprintf(stderr, "the path of %s is too long\n", base);
        exit(2);
    }
    return path;
}

#endif
