/*
 * The plain loop over live units of the conditional GRU paper (listing A.2), as its text means it: one
 * dot product a live row, two rows a unit, each row once, any width. The compiler may reorder the sums;
 * with -fopenmp the units are shared out to threads.
 */
#include <stdint.h>

void plain_loop(const float *reset, const float *candidate, const int32_t *live, int64_t count,
                int64_t width, const float *x, float *reset_sums, float *candidate_sums) {
#pragma omp parallel for
    for (int64_t i = 0; i < count; i++) {
        const float *r = reset + live[i] * width;
        const float *c = candidate + live[i] * width;
        float r_sum = 0;
        float c_sum = 0;
        for (int64_t k = 0; k < width; k++) {
            r_sum += r[k] * x[k];
            c_sum += c[k] * x[k];
        }
        reset_sums[live[i]] = r_sum;
        candidate_sums[live[i]] = c_sum;
    }
}
