/* The floating-point control register of the calling thread: MXCSR or FPCR. */
#ifndef FLOAT_CONTROL_H
#define FLOAT_CONTROL_H

#include <stdint.h>

#if defined(__x86_64__)
#include <immintrin.h>

static inline int64_t read_control(void) { return _mm_getcsr(); }
static inline void write_control(int64_t control) { _mm_setcsr((unsigned)control); }
#else
static inline int64_t read_control(void) {
    int64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    return control;
}
static inline void write_control(int64_t control) {
    __asm__ volatile("msr fpcr, %0" : : "r"(control));
}
#endif

#endif
