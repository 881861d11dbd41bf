/* Plain C written from the documents (SumOrder, Elementary), and what all tests share. */
#ifndef PLAIN_H
#define PLAIN_H

#include <stdint.h>

/* Checks that failed so far. */
extern int failures;

int64_t padded(int64_t n);

/* n floats of zero, aligned to a cache line. */
float *floats(int64_t n);
void free_floats(float *p);

/* Uniform in [-1, 1). */
float uniform(void);

void fill(float *p, int64_t n, float scale);

/* Fills what lies behind n with positive numbers, which no result may depend on. */
void poison(float *p, int64_t n);

/* Compares bits. */
void check(const char *what, int64_t i, float expected, float actual);

/* a * b + c, rounded once: the fmaf of some C libraries (mingw's) rounds twice. */
float plain_fma(float a, float b, float c);

float row_sum(const float *w, const float *x, int64_t width);
float plain_exp(float x);
float plain_sigmoid(float x);
float plain_tanh(float x);
float plain_flush(float v);
float plain_blend(float z, float c, float h);

/* In the order of the Java enum Pointwise. */
float plain_pointwise(int function, float v, float a, float b);

#endif
