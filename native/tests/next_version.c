/* A library that has every kernel, but says that it is of the next ABI version. */
#define stillgate_abi_version version_of_the_header
#include "../src/dispatch.c"
#undef stillgate_abi_version

SG_EXPORT int64_t stillgate_abi_version(void);

int64_t stillgate_abi_version(void) { return SG_ABI_VERSION + 1; }
