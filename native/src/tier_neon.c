/* NEON on arm64: 4 lanes, eight registers a row; two rows at once leave half of the registers free. */
#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#include "tiers.h"

#define TIER neon
#define LANES 4
#define ROWS 2
#define ROW_STREAMS 3
#define STREAMS 6
#define ACCUMULATORS 24

typedef float32x4_t vf;
typedef uint32x4_t vm;

static inline vf v_load(const float *p) { return vld1q_f32(p); }
/* bfloat16 in the lower and in the upper halves of a register of words, widened. */
static inline vf v_lower(const uint16_t *words) {
    return vreinterpretq_f32_u32(vshlq_n_u32(vld1q_u32((const uint32_t *)words), 16));
}
static inline vf v_upper(const uint16_t *words) {
    return vreinterpretq_f32_u32(vandq_u32(vld1q_u32((const uint32_t *)words), vdupq_n_u32(0xffff0000u)));
}
static inline void v_store(float *p, vf v) { vst1q_f32(p, v); }
static inline void v_store_anywhere(float *p, vf v) { vst1q_f32(p, v); }
static inline vf v_set(float v) { return vdupq_n_f32(v); }
static inline vf v_add(vf a, vf b) { return vaddq_f32(a, b); }
static inline vf v_sub(vf a, vf b) { return vsubq_f32(a, b); }
static inline vf v_mul(vf a, vf b) { return vmulq_f32(a, b); }
static inline vf v_div(vf a, vf b) { return vdivq_f32(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
static inline vm v_gt(vf a, vf b) { return vcgtq_f32(a, b); }
static inline vm v_lt(vf a, vf b) { return vcltq_f32(a, b); }
static inline vf v_select(vm m, vf yes, vf no) { return vbslq_f32(m, yes, no); }
static inline int v_any(vm m) { return vmaxvq_u32(m) != 0; }
static inline vf v_abs(vf v) { return vabsq_f32(v); }
static inline vf v_negate(vf v) { return vnegq_f32(v); }
static inline vf v_copy_sign(vf magnitude, vf sign) {
    return vbslq_f32(vdupq_n_u32(0x80000000u), sign, magnitude);
}
static inline vf v_power_of_two(vf shifted) {
    int32x4_t bits = vaddq_s32(vreinterpretq_s32_f32(shifted), vdupq_n_s32(127));
    return vreinterpretq_f32_s32(vshlq_n_s32(bits, 23));
}

/* (p0 + p2) + (p1 + p3). */
static inline float v_tree(vf p) {
    float32x2_t p2 = vadd_f32(vget_low_f32(p), vget_high_f32(p));
    return vget_lane_f32(p2, 0) + vget_lane_f32(p2, 1);
}

typedef int32x4_t vi;

static inline void v_store_integers(int32_t *p, vi v) { vst1q_s32(p, v); }
static inline vf v_float(vi v) { return vcvtq_f32_s32(v); }
static inline vi v_load_integers(const int32_t *p) { return vld1q_s32(p); }
static inline vi v_times_64(vi v) { return vshlq_n_s32(v, 6); }
static inline vi v_integers(vf v) { return vcvtnq_s32_f32(v); }
static inline vi v_count_from(int32_t i, int32_t by) {
    static const int32_t lanes[LANES] = {0, 1, 2, 3};
    return vmlaq_n_s32(vdupq_n_s32(i), vld1q_s32(lanes), by);
}
static inline uint32_t v_bits(vm chosen) {
    static const uint32_t bits[LANES] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(chosen, vld1q_u32(bits)));
}
static inline int64_t v_put_chosen(vm chosen, vi v, int32_t *to) {
    uint32_t lanes = v_bits(chosen);
    /* Bytes 4 i to 4 i + 3 of lane i. */
    uint32x4_t bytes = vmlaq_n_u32(vdupq_n_u32(0x03020100u), vld1q_u32((const uint32_t *)CHOSEN_FIRST[lanes]), 0x04040404u);
    vst1q_s32(to, vreinterpretq_s32_u8(vqtbl1q_u8(vreinterpretq_u8_s32(v), vreinterpretq_u8_u32(bytes))));
    return __builtin_popcount(lanes);
}
static inline int64_t v_put_chosen_bytes(vm chosen, vi v, uint8_t *to) {
    uint32_t lanes = v_bits(chosen), four;
    memcpy(&four, CHOSEN_BYTES_FIRST[lanes], sizeof four);
    uint8x16_t bytes = vqtbl1q_u8(vreinterpretq_u8_s32(v), vreinterpretq_u8_u32(vdupq_n_u32(four)));
    four = vgetq_lane_u32(vreinterpretq_u32_u8(bytes), 0);
    memcpy(to, &four, sizeof four);
    return __builtin_popcount(lanes);
}
static inline vi v_set_integers(int32_t i) { return vdupq_n_s32(i); }
static inline vi v_negate_integers(vi v) { return vnegq_s32(v); }

static inline void v_quads(const int8_t *a, const int8_t *b, const int8_t *c, const int8_t *d, int rows, vi *quads) {
    (void)rows;
    int8x16x2_t p = vzipq_s8(vld1q_s8(a), vld1q_s8(b));
    int8x16x2_t q = vzipq_s8(vld1q_s8(c), vld1q_s8(d));
    for (int j = 0; j < 2; j++) {
        int16x8x2_t both = vzipq_s16(vreinterpretq_s16_s8(p.val[j]), vreinterpretq_s16_s8(q.val[j]));
        quads[2 * j] = vreinterpretq_s32_s16(both.val[0]);
        quads[2 * j + 1] = vreinterpretq_s32_s16(both.val[1]);
    }
}
/* Factors are at most 127, so that they may count as signed. */
static inline vi v_add_quads(vi sums, vi quads, vi four) {
    int8x16_t w = vreinterpretq_s8_s32(quads), x = vreinterpretq_s8_s32(four);
#ifdef __ARM_FEATURE_DOTPROD
    return vdotq_s32(sums, w, x);
#else
    int32x4_t lower = vpaddlq_s16(vmull_s8(vget_low_s8(w), vget_low_s8(x)));
    int32x4_t upper = vpaddlq_s16(vmull_high_s8(w, x));
    return vaddq_s32(sums, vpaddq_s32(lower, upper));
#endif
}
static inline void v_enter(const int32_t *from, int rows, vi *sums) {
    (void)rows;
    for (int j = 0; j < 4; j++) {
        sums[j] = from ? vld1q_s32(from + LANES * j) : vdupq_n_s32(0);
    }
}
static inline void v_leave(const vi *sums, vi *out) {
    for (int j = 0; j < 4; j++) {
        out[j] = sums[j];
    }
}

typedef int32x4_t vx;

static inline vx v_bytes(const int8_t *p) { return vreinterpretq_s32_s8(vld1q_s8(p)); }
static inline vi v_add_dot(vi sums, const int8_t *w, vx x) {
    return v_add_quads(sums, vreinterpretq_s32_s8(vld1q_s8(w)), x);
}
static inline int32_t v_total(vi v) { return vaddvq_s32(v); }

#include "kernels.inc"
