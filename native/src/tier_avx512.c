/* AVX-512 F, DQ, VL, BW: 16 lanes, two registers a row, four rows at once. */
#include <immintrin.h>
#include <stdint.h>

#define TIER avx512
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

/* Compress within a register: compressing to memory is microcoded on some CPUs. */
#define HAS_SELECT_POSITIVE
static int64_t select_positive(int64_t n, const float *scores, int32_t *indices) {
    __m512i index = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    int64_t count = 0;
    /* The indices have padded room, so whole registers may be written; what lies behind n is not compared. */
    for (int64_t i = 0; i < n; i += LANES) {
        vm inside = n - i < LANES ? (vm)((1u << (n - i)) - 1) : (vm)-1;
        vm live = _mm512_mask_cmp_ps_mask(inside, v_load(scores + i), v_set(0.0f), _CMP_GT_OQ);
        _mm512_storeu_si512(indices + count, _mm512_maskz_compress_epi32(live, index));
        count += __builtin_popcount(live);
        index = _mm512_add_epi32(index, _mm512_set1_epi32(LANES));
    }
    return count;
}

typedef __m512i vi;

static inline void v_store_integers(int32_t *p, vi v) { _mm512_store_si512(p, v); }
static inline vf v_float(vi v) { return _mm512_cvtepi32_ps(v); }

/* Sums of rows 0 .. 3, 8 .. 11, 16 .. 19, 24 .. 27 and of the rows between: what unpacking within quarters gives. */
static inline void v_enter(const int32_t *from, vi *sums) {
    vi first = from ? _mm512_load_si512(from) : _mm512_setzero_si512();
    vi second = from ? _mm512_load_si512(from + 16) : first;
    vi even = _mm512_setr_epi32(0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
    vi odd = _mm512_setr_epi32(4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    sums[0] = _mm512_permutex2var_epi32(first, even, second);
    sums[1] = _mm512_permutex2var_epi32(first, odd, second);
}
static inline void v_leave(const vi *sums, vi *first, vi *second) {
    vi lower = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
    vi upper = _mm512_setr_epi32(8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
    *first = _mm512_permutex2var_epi32(sums[0], lower, sums[1]);
    *second = _mm512_permutex2var_epi32(sums[0], upper, sums[1]);
}
static inline void v_add_columns(const int8_t *p, const int8_t *q, int32_t a, int32_t b, vi *sums) {
    vi factors = _mm512_set1_epi32((int32_t)(((uint32_t)a & 0xffffu) | (uint32_t)b << 16));
    vi x = _mm512_cvtepi8_epi16(_mm256_load_si256((const __m256i *)p));
    vi y = _mm512_cvtepi8_epi16(_mm256_load_si256((const __m256i *)q));
    sums[0] = _mm512_add_epi32(sums[0], _mm512_madd_epi16(_mm512_unpacklo_epi16(x, y), factors));
    sums[1] = _mm512_add_epi32(sums[1], _mm512_madd_epi16(_mm512_unpackhi_epi16(x, y), factors));
}

#include "kernels.inc"
