/*
 * Lets musl load two of Debian's libraries and its git, which were built for glibc: the few functions glibc has and musl has
 * not. Only for the test image, which must come from packages of Debian: an Alpine image brings its own and needs none of
 * this. Freestanding, so that any C compiler without headers can build it.
 */
typedef unsigned long size_t;
typedef __builtin_va_list va_list;
#define va_start __builtin_va_start
#define va_end __builtin_va_end

int vfprintf(void *, const char *, va_list);
int vprintf(const char *, va_list);
int vsnprintf(char *, size_t, const char *, va_list);
int open(const char *, int, ...);
int fcntl(int, int, ...);
int getentropy(void *, size_t);
void *memcpy(void *, const void *, size_t);
void *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t);
size_t fread(void *, size_t, size_t, void *);
size_t strftime_l(char *, size_t, const char *, const void *, void *);
void abort(void);

/* What libstdc++ and libgcc_s want. Destructors of threads are not run: the test's processes end as a whole. */
char __libc_single_threaded = 0;
int __cpu_model[4];
int __cpu_indicator_init(void) { return 0; }
int _dl_find_object(void *pc, void *found) { return -1; }
int __cxa_thread_atexit_impl(void *destructor, void *object, void *handle) { return 0; }
size_t __strftime_l(char *to, size_t size, const char *format, const void *time, void *locale) {
  return strftime_l(to, size, format, time, locale);
}
unsigned arc4random(void) {
  unsigned value;
  if (getentropy(&value, sizeof value) != 0) abort();
  return value;
}

/* What git wants: mostly functions with a check of sizes before them, which is left out. */
int __vfprintf_chk(void *file, int flag, const char *format, va_list args) { return vfprintf(file, format, args); }
int __vsnprintf_chk(char *to, size_t size, int flag, size_t room, const char *format, va_list args) {
  return vsnprintf(to, size, format, args);
}
int __fprintf_chk(void *file, int flag, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int written = vfprintf(file, format, args);
  va_end(args);
  return written;
}
int __printf_chk(int flag, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int written = vprintf(format, args);
  va_end(args);
  return written;
}
int __snprintf_chk(char *to, size_t size, int flag, size_t room, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int written = vsnprintf(to, size, format, args);
  va_end(args);
  return written;
}
size_t __fread_chk(void *to, size_t room, size_t size, size_t count, void *file) { return fread(to, size, count, file); }
void *__memcpy_chk(void *to, const void *from, size_t size, size_t room) { return memcpy(to, from, size); }
void *__memmove_chk(void *to, const void *from, size_t size, size_t room) { return memmove(to, from, size); }
void *__memset_chk(void *to, int byte, size_t size, size_t room) { return memset(to, byte, size); }
int __open64_2(const char *path, int flags) { return open(path, flags); }
int fcntl64(int fd, int command, void *argument) { return fcntl(fd, command, argument); }
const char *gnu_get_libc_version(void) { return "musl"; }
/* Only git log -S and its like come here. */
void _obstack_begin(void) { abort(); }
void _obstack_newchunk(void) { abort(); }
void obstack_free(void) { abort(); }
