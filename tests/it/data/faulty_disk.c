/* Loaded before the C library.
 *
 * While the file that FAILING_FSYNC names exists, every flush fails as it does on a broken disk. What was
 * written stays readable, and the kernel takes it for written: a later flush does nothing for it.
 * Every other flush takes SLOW_FSYNC_MS milliseconds longer, and waits while the file that HANGING_FSYNC names
 * exists.
 *
 * With POWER_CUT set, NAME.durable is, for the database and its WAL, what would be left of the file NAME
 * if the power failed now: the blocks that a flush has brought to the disk since they were written last.
 * NAME.dirty lists the blocks that wait for one.
 *
 * With KILL_AT set, the process is killed in the middle of that write to a file whose name ends with KILL_IN; the first
 * is 1. The number of such writes is in the file that KILL_COUNT names, if the process ends by itself. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK 4096
#define REAL(name, type) ((type)dlsym(RTLD_NEXT, name))

typedef ssize_t (*write_fn)(int, const void *, size_t);
typedef ssize_t (*pwrite_fn)(int, const void *, size_t, off64_t);

/* The path of a database file or its WAL; 0 for anything else. */
static int watched(int descriptor, char *path)
{
    char link[64];
    if (!getenv("POWER_CUT"))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, PATH_MAX - 16);
    if (length < 0)
        return 0;
    path[length] = 0;
    const char *name = strrchr(path, '/');
    return name && (!strcmp(name, "/fastcore.db") || !strcmp(name, "/fastcore.db-wal"));
}

static int open_next_to(const char *path, const char *suffix, int flags)
{
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s%s", path, suffix);
    return open(name, flags | O_CREAT | O_RDWR, 0600);
}

static void written(int descriptor, off64_t offset, ssize_t size)
{
    char path[PATH_MAX];
    if (size <= 0 || !watched(descriptor, path))
        return;
    int dirty = open_next_to(path, ".dirty", O_APPEND);
    for (int64_t block = offset / BLOCK; block * BLOCK < offset + size; block++)
        REAL("write", write_fn)(dirty, &block, sizeof block);
    close(dirty);
}

static void flushed(int descriptor, int succeeded)
{
    char path[PATH_MAX], bytes[BLOCK];
    if (!watched(descriptor, path))
        return;
    int dirty = open_next_to(path, ".dirty", 0);
    if (succeeded) {
        int durable = open_next_to(path, ".durable", 0);
        int64_t block;
        struct stat meta;
        while (read(dirty, &block, sizeof block) == sizeof block) {
            ssize_t have = pread64(descriptor, bytes, BLOCK, block * BLOCK);
            if (have > 0)
                REAL("pwrite64", pwrite_fn)(durable, bytes, have, block * BLOCK);
        }
        fstat(descriptor, &meta);
        ftruncate(durable, meta.st_size);
        close(durable);
    }
    ftruncate(dirty, 0);
    close(dirty);
}

static int kill_writes;

/* How much of a write to make: half of the one at which the process is to be killed. */
static size_t before_write(int descriptor, size_t size)
{
    const char *suffix = getenv("KILL_IN"), *at = getenv("KILL_AT");
    char link[64], path[PATH_MAX];
    if (!suffix || !at)
        return size;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < (ssize_t)strlen(suffix) || memcmp(path + length - strlen(suffix), suffix, strlen(suffix)))
        return size;
    return ++kill_writes == atoi(at) ? size / 2 : size;
}

static void after_write(size_t made, size_t asked)
{
    if (made < asked)
        kill(getpid(), SIGKILL);
}

__attribute__((destructor)) static void count_writes(void)
{
    const char *name = getenv("KILL_COUNT");
    FILE *file = name ? fopen(name, "w") : NULL;
    if (file) {
        fprintf(file, "%d", kill_writes);
        fclose(file);
    }
}

ssize_t write(int descriptor, const void *bytes, size_t size)
{
    off64_t offset = lseek64(descriptor, 0, SEEK_CUR);
    size_t part = before_write(descriptor, size);
    ssize_t done = REAL("write", write_fn)(descriptor, bytes, part);
    after_write(part, size);
    written(descriptor, offset, done);
    return done;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t size, off64_t offset)
{
    size_t part = before_write(descriptor, size);
    ssize_t done = REAL("pwrite64", pwrite_fn)(descriptor, bytes, part, offset);
    after_write(part, size);
    written(descriptor, offset, done);
    return done;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t offset)
{
    return pwrite64(descriptor, bytes, size, offset);
}

static int flush(const char *name, int descriptor)
{
    const char *flag = getenv("FAILING_FSYNC");
    if (flag && access(flag, F_OK) == 0) {
        flushed(descriptor, 0);
        errno = EIO;
        return -1;
    }
    const char *slow = getenv("SLOW_FSYNC_MS");
    if (slow)
        usleep(1000 * atoi(slow));
    const char *hanging = getenv("HANGING_FSYNC");
    while (hanging && access(hanging, F_OK) == 0)
        usleep(10000);
    int done = REAL(name, int (*)(int))(descriptor);
    flushed(descriptor, done == 0);
    return done;
}

int fsync(int descriptor)
{
    return flush("fsync", descriptor);
}

int fdatasync(int descriptor)
{
    return flush("fdatasync", descriptor);
}
