/* AVX-512 F, DQ, VL, BW: 16 lanes, two registers a row, four rows at once. Compiled with VNNI, too. */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#ifndef TIER
#define TIER avx512
#endif
#define LANES 16
#define ROWS 4
#define ROW_STREAMS 8
#define STREAMS 12
#define ACCUMULATORS 24

typedef __m512 vf;
typedef __mmask16 vm;

static inline vf v_load(const float *p) { return _mm512_load_ps(p); }
/* bfloat16 in the lower and in the upper halves of a register of words, widened. */
static inline vf v_lower(const uint16_t *words) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_load_si512(words), 16));
}
static inline vf v_upper(const uint16_t *words) {
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_load_si512(words), _mm512_set1_epi32((int)0xffff0000u)));
}
static inline void v_store(float *p, vf v) { _mm512_store_ps(p, v); }
static inline void v_store_anywhere(float *p, vf v) { _mm512_storeu_ps(p, v); }
static inline vf v_set(float v) { return _mm512_set1_ps(v); }
static inline vf v_add(vf a, vf b) { return _mm512_add_ps(a, b); }
static inline vf v_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
static inline vf v_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
static inline vf v_div(vf a, vf b) { return _mm512_div_ps(a, b); }
static inline vf v_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
static inline vm v_gt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
static inline vm v_lt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline vf v_select(vm m, vf yes, vf no) { return _mm512_mask_blend_ps(m, no, yes); }
static inline int v_any(vm m) { return m != 0; }
static inline vf v_abs(vf v) { return _mm512_abs_ps(v); }
static inline vf v_negate(vf v) { return _mm512_xor_ps(v, _mm512_set1_ps(-0.0f)); }
static inline vf v_copy_sign(vf magnitude, vf sign) {
    vf bit = _mm512_set1_ps(-0.0f);
    return _mm512_or_ps(_mm512_andnot_ps(bit, magnitude), _mm512_and_ps(bit, sign));
}
static inline vf v_power_of_two(vf shifted) {
    __m512i bits = _mm512_add_epi32(_mm512_castps_si512(shifted), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 23));
}

/* Lane 0 of the tree + 8, + 4, + 2, + 1; the upper half is folded onto the lower at each level. */
static inline float v_tree(vf p) {
    __m256 p8 = _mm256_add_ps(_mm512_castps512_ps256(p), _mm512_extractf32x8_ps(p, 1));
    __m128 p4 = _mm_add_ps(_mm256_castps256_ps128(p8), _mm256_extractf128_ps(p8, 1));
    __m128 p2 = _mm_add_ps(p4, _mm_movehl_ps(p4, p4));
    return _mm_cvtss_f32(_mm_add_ss(p2, _mm_movehdup_ps(p2)));
}

/*
 * Four trees in one: half the shuffles. Lanes 0 .. 7 become a[l] + a[l + 8], lanes 8 .. 15 the same of b;
 * then four lanes a row in the order a, b, c, d; then + 2 and + 1 within each four.
 */
#define HAS_JOINT_TREES
static inline void v_joint_trees(vf a, vf b, vf c, vf d, float *const *sums) {
    vf ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
    vf cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
    vf p = _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
    p = _mm512_add_ps(p, _mm512_permute_ps(p, 0x4e));
    p = _mm512_add_ps(p, _mm512_permute_ps(p, 0xb1));
    *sums[0] = _mm512_cvtss_f32(p);
    *sums[1] = _mm_cvtss_f32(_mm512_extractf32x4_ps(p, 1));
    *sums[2] = _mm_cvtss_f32(_mm512_extractf32x4_ps(p, 2));
    *sums[3] = _mm_cvtss_f32(_mm512_extractf32x4_ps(p, 3));
}

typedef __m512i vi;

static inline void v_store_integers(int32_t *p, vi v) { _mm512_store_si512(p, v); }
static inline vf v_float(vi v) { return _mm512_cvtepi32_ps(v); }
/* From any address: changes follow the terms. */
static inline vi v_load_integers(const int32_t *p) { return _mm512_loadu_si512(p); }
static inline vi v_times_64(vi v) { return _mm512_slli_epi32(v, 6); }
static inline vi v_integers(vf v) { return _mm512_cvtps_epi32(v); }
static inline vi v_count_from(int32_t i, int32_t by) {
    vi lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return _mm512_add_epi32(_mm512_set1_epi32(i), _mm512_mullo_epi32(lanes, _mm512_set1_epi32(by)));
}
/* Compressed within a register: compressing to memory is microcoded on some CPUs. */
static inline int64_t v_put_chosen(vm chosen, vi v, int32_t *to) {
    _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(chosen, v));
    return __builtin_popcount(chosen);
}
static inline int64_t v_put_chosen_bytes(vm chosen, vi v, uint8_t *to) {
    _mm_storeu_si128((__m128i *)to, _mm512_cvtepi32_epi8(_mm512_maskz_compress_epi32(chosen, v)));
    return __builtin_popcount(chosen);
}

static inline vi v_set_integers(int32_t i) { return _mm512_set1_epi32(i); }
static inline vi v_negate_integers(vi v) { return _mm512_sub_epi32(_mm512_setzero_si512(), v); }

static inline vi v_load_bytes(const int8_t *p, int rows) {
    return rows == 64 ? _mm512_load_si512(p) : _mm512_castsi256_si512(_mm256_load_si256((const __m256i *)p));
}
/* Rows 0 .. 3, 16 .. 19, 32 .. 35, 48 .. 51, then 4 .. 7, 20 .. 23, and so on: what unpacking within quarters gives. */
static inline void v_quads(const int8_t *a, const int8_t *b, const int8_t *c, const int8_t *d, int rows, vi *quads) {
    vi p = v_load_bytes(a, rows), q = v_load_bytes(b, rows), r = v_load_bytes(c, rows), s = v_load_bytes(d, rows);
    vi lower = _mm512_unpacklo_epi8(p, q), upper = _mm512_unpackhi_epi8(p, q);
    vi others = _mm512_unpacklo_epi8(r, s), higher = _mm512_unpackhi_epi8(r, s);
    quads[0] = _mm512_unpacklo_epi16(lower, others);
    quads[1] = _mm512_unpackhi_epi16(lower, others);
    quads[2] = _mm512_unpacklo_epi16(upper, higher);
    quads[3] = _mm512_unpackhi_epi16(upper, higher);
}
#ifdef __AVX512VNNI__
static inline vi v_add_quads(vi sums, vi quads, vi four) { return _mm512_dpbusd_epi32(sums, four, quads); }
#else
/* Products of pairs are added in 16 bits: 2 x 127 x 127 fits. */
static inline vi v_add_quads(vi sums, vi quads, vi four) {
    return _mm512_add_epi32(sums, _mm512_madd_epi16(_mm512_maddubs_epi16(four, quads), _mm512_set1_epi16(1)));
}
#endif
/* Quarter j of register i becomes quarter i of register j. */
static inline void v_exchange_quarters(vi *v) {
    vi p = _mm512_shuffle_i32x4(v[0], v[1], 0x44), q = _mm512_shuffle_i32x4(v[0], v[1], 0xee);
    vi r = _mm512_shuffle_i32x4(v[2], v[3], 0x44), s = _mm512_shuffle_i32x4(v[2], v[3], 0xee);
    v[0] = _mm512_shuffle_i32x4(p, r, 0x88);
    v[1] = _mm512_shuffle_i32x4(p, r, 0xdd);
    v[2] = _mm512_shuffle_i32x4(q, s, 0x88);
    v[3] = _mm512_shuffle_i32x4(q, s, 0xdd);
}
static inline void v_enter(const int32_t *from, int rows, vi *sums) {
    for (int j = 0; j < 4; j++) {
        sums[j] = from && LANES * j < rows ? _mm512_load_si512(from + LANES * j) : _mm512_setzero_si512();
    }
    v_exchange_quarters(sums);
}
static inline void v_leave(const vi *sums, vi *out) {
    for (int j = 0; j < 4; j++) {
        out[j] = sums[j];
    }
    v_exchange_quarters(out);
}

/* Magnitudes go with weights that have taken the signs: the dot products are of unsigned with signed bytes. */
typedef struct vx {
    vi magnitudes;
    __mmask64 negative;
} vx;

static inline vx v_bytes(const int8_t *p) {
    vi bytes = _mm512_load_si512(p);
    return (vx){_mm512_abs_epi8(bytes), _mm512_movepi8_mask(bytes)};
}
static inline vi v_add_dot(vi sums, const int8_t *w, vx x) {
    vi weights = _mm512_load_si512(w);
    weights = _mm512_mask_sub_epi8(weights, x.negative, _mm512_setzero_si512(), weights);
    return v_add_quads(sums, weights, x.magnitudes);
}
static inline int32_t v_total(vi v) { return _mm512_reduce_add_epi32(v); }

#include "kernels.inc"
