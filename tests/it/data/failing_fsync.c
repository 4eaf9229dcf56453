/* Loaded before the C library: while the file that FAILING_FSYNC names exists, every flush fails as
 * it does on a broken disk. What was written stays readable, which is what makes it treacherous.
 * Every other flush takes SLOW_FSYNC_MS milliseconds longer. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int flush(const char *name, int descriptor)
{
    const char *flag = getenv("FAILING_FSYNC");
    if (flag && access(flag, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    const char *slow = getenv("SLOW_FSYNC_MS");
    if (slow)
        usleep(1000 * atoi(slow));
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    return real(descriptor);
}

int fsync(int descriptor)
{
    return flush("fsync", descriptor);
}

int fdatasync(int descriptor)
{
    return flush("fdatasync", descriptor);
}
