/* Stands between the log and the system: fails its calls, holds them, counts them.
 *
 * Preloaded into the Python of a test, which reaches it through ctypes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_int read_error, sync_error, grow_error, is_held, held, calls;

void faults_fail_reads(int error) { read_error = error; }
void faults_fail_syncs(int error) { sync_error = error; }
/* Of writes only those that need room fail, as on a full disk. */
void faults_fail_growth(int error) { grow_error = error; }
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
    return read_error ? failed(read_error) : syscall(SYS_pread64, file, bytes, count, offset);
}
