/* What a careless library does to its caller's thread; for the Java tests. */
#include "float_control.h"
#include "stillgate.h"

SG_EXPORT int64_t get_control(void);
SG_EXPORT void set_control(int64_t control);

int64_t get_control(void) { return read_control(); }

void set_control(int64_t control) { write_control(control); }
