/* Stands between the log and the system: fails its calls, holds them, counts them.
 *
 * Preloaded into the Python of a test, which reaches it through ctypes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_int read_error, reads_left, sync_error, grow_error, is_held, held, calls;

void faults_fail_reads(int error) { read_error = error; }
/* Only those behind so many that succeed. */
void faults_fail_reads_after(int reads, int error)
{
    reads_left = reads;
    read_error = error;
}
void faults_fail_syncs(int error) { sync_error = error; }

/* Lets this thread, and those it starts, make no such call, as on a system that lacks it: then the
 * log does without, by calls that pass through here. This one goes to the kernel directly. */
static void refuse(unsigned call)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        abort();
}

/* A write that is durable is made as a write and a sync. */
__attribute__((constructor)) static void refuse_durable_writes(void) { refuse(SYS_pwritev2); }

/* Of writes only those that need room fail, as on a full disk. */
void faults_fail_growth(int error)
{
    if (error)
        refuse(SYS_fallocate);
    grow_error = error;
}

void faults_hold_syncs(int hold) { is_held = hold; }
int faults_held(void) { return held; }
/* Writes and syncs since the last call. */
int faults_calls(void) { return atomic_exchange(&calls, 0); }

static int failed(int error)
{
    errno = error;
    return -1;
}

int fdatasync(int file)
{
    calls++;
    held++;
    while (is_held)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    held--;
    return sync_error ? failed(sync_error) : (int)syscall(SYS_fdatasync, file);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off_t offset)
{
    struct stat found;
    calls++;
    if (grow_error && fstat(file, &found) == 0 && offset + (off_t)count > found.st_size)
        return failed(grow_error);
    return syscall(SYS_pwrite64, file, bytes, count, offset);
}

ssize_t pread64(int file, void *bytes, size_t count, off_t offset)
{
    if (read_error && reads_left-- <= 0)
        return failed(read_error);
    return syscall(SYS_pread64, file, bytes, count, offset);
}
