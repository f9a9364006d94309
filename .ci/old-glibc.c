/*
 * Lets a native module that is compiled here run with glibc 2.28 (RHEL 8), which Node 24 needs too: functions of newer versions
 * of glibc and libstdc++ that sqlite3 uses are bound to the ones of old. .ci/native.mjs links it into sqlite3.
 */
#include <features.h>
#if defined(__GLIBC__) && (defined(__x86_64__) || defined(__aarch64__))

#ifdef __x86_64__
#define BASE "GLIBC_2.2.5"
#define STAT_VERSION 1
#else
#define BASE "GLIBC_2.17"
#define STAT_VERSION 0
#endif

#define HIDDEN __attribute__((visibility("hidden")))

/* Defines `name` for this module alone, as a call of the symbol `symbol` of the first glibc of this architecture. */
#define BIND(result, name, symbol, parameters, arguments)                                                              \
  extern result old_##symbol parameters;                                                                               \
  __asm__(".symver old_" #symbol "," #symbol "@" BASE);                                                                \
  HIDDEN result name parameters { return old_##symbol arguments; }

struct stat64;
extern int old_xstat64(int, const char *, struct stat64 *);
extern int old_lxstat64(int, const char *, struct stat64 *);
extern int old_fxstat64(int, int, struct stat64 *);
__asm__(".symver old_xstat64,__xstat64@" BASE);
__asm__(".symver old_lxstat64,__lxstat64@" BASE);
__asm__(".symver old_fxstat64,__fxstat64@" BASE);
HIDDEN int stat64(const char *path, struct stat64 *result) { return old_xstat64(STAT_VERSION, path, result); }
HIDDEN int lstat64(const char *path, struct stat64 *result) { return old_lxstat64(STAT_VERSION, path, result); }
HIDDEN int fstat64(int file, struct stat64 *result) { return old_fxstat64(STAT_VERSION, file, result); }

BIND(double, exp, exp, (double x), (x))
BIND(double, log, log, (double x), (x))
BIND(double, log2, log2, (double x), (x))
BIND(double, pow, pow, (double x, double y), (x, y))

BIND(void *, dlopen, dlopen, (const char *file, int mode), (file, mode))
BIND(void *, dlsym, dlsym, (void *library, const char *name), (library, name))
BIND(int, dlclose, dlclose, (void *library), (library))
BIND(char *, dlerror, dlerror, (void), ())

/* pthread_t is a number, and what is pointed at is passed on as it is. */
BIND(int, pthread_create, pthread_create, (void *thread, const void *how, void *(*start)(void *), void *with),
     (thread, how, start, with))
BIND(int, pthread_join, pthread_join, (unsigned long thread, void **result), (thread, result))
BIND(int, pthread_mutex_trylock, pthread_mutex_trylock, (void *mutex), (mutex))
BIND(int, pthread_mutexattr_init, pthread_mutexattr_init, (void *how), (how))
BIND(int, pthread_mutexattr_settype, pthread_mutexattr_settype, (void *how, int type), (how, type))
BIND(int, pthread_mutexattr_destroy, pthread_mutexattr_destroy, (void *how), (how))

/* std::__throw_bad_array_new_length() of GCC 11. */
extern void __cxa_throw_bad_array_new_length(void) __attribute__((noreturn));
HIDDEN void _ZSt28__throw_bad_array_new_lengthv(void) { __cxa_throw_bad_array_new_length(); }

#endif
