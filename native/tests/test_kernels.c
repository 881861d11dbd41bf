/*
 * Each tier against plain C written from the documents (PackLayout, SumOrder, WeightFormat, Elementary), bit for bit.
 * Exits with 77 where this CPU or build lacks the tier.
 *
 * Sizes are ugly on purpose: widths 1 to 3 registers and a bit, groups that fill no register, 1 to 3 kinds of rows.
 */
#include <stdio.h>
#include <string.h>

#include "float_control.h"
#include "plain.h"
#include "stillgate.h"
#include "tests.h"

/* Ugly shapes, each alone and for some streams. */
static void test_all_products(int panels, int bf16, int missing) {
    static const shape SHAPES[] = {
        {.units = 1, .group_units = 1, .operands = 1, .kinds = {1}, .widths = {1}},
        {.units = 11, .group_units = 1, .operands = 2, .kinds = {2, 1}, .widths = {33, 27}},
        {.units = 9, .group_units = 1, .operands = 2, .kinds = {3, 1}, .widths = {97, 160}},
        {.units = 7, .group_units = 1, .operands = 3, .kinds = {1, 2, 1}, .widths = {31, 600, 5}},
        {.units = 80, .group_units = 16, .operands = 2, .kinds = {2, 2}, .widths = {70, 27}},
        {.units = 250, .group_units = 64, .operands = 2, .kinds = {2, 3}, .widths = {33, 9}},
        {.units = 30, .group_units = 5, .operands = 2, .kinds = {3, 1}, .widths = {30, 41}},
        {.units = 100, .group_units = 100, .operands = 1, .kinds = {1}, .widths = {16}},
        {.units = 100, .group_units = 32, .operands = 2, .kinds = {3, 3}, .widths = {40, 100}},
        {.units = 16, .group_units = 2, .operands = 2, .kinds = {1, 3}, .widths = {16, 5}},
        {.units = 150, .group_units = 1, .operands = 1, .kinds = {1}, .widths = {1000}},
    };
    for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
        shape s = SHAPES[i];
        s.panels = panels;
        s.bf16 = bf16;
        s.missing = missing;
        for (int again = 0; again < 3; again++) {
            test_products(&s);
        }
        for (int streams = 1; streams <= MOST_STREAMS; streams += 2) {
            test_products_of_streams(&s, streams, 0);
            test_products_of_streams(&s, streams, 1);
        }
    }
}

int main(int argc, char **argv) {
    const char *wanted = argc > 1 ? argv[1] : "";
    const char *tier = sg_choose_tier(wanted);
    if (tier == NULL || (wanted[0] != '\0' && strcmp(tier, wanted) != 0)) {
        printf("tier %s: not on this CPU\n", wanted);
        return 77;
    }
    int64_t control = read_control();
    for (int format = 0; format < 8; format++) {
        test_all_products(format & 1, format >> 1 & 1, format >> 2);
    }
    static const int64_t TILES[][3] = {{1, 1, 1}, {31, 3, 5}, {32, 2, 64}, {33, 4, 37}, {64, 1, 2}, {96, 3, 100},
                                       {100, 3, 61}, {128, 2, 33}, {130, 4, 7}, {150, 1, 500}};
    for (size_t i = 0; i < sizeof TILES / sizeof TILES[0]; i++) {
        test_tiles(TILES[i][0], TILES[i][1], TILES[i][2]);
        test_integer_rows(TILES[i][0], TILES[i][1], TILES[i][2]);
    }
    /* Every number of lanes in a last register of any width, and whole ones. */
    for (int64_t n = 1; n <= 130; n += n < 33 ? 1 : 13) {
        test_cells(n, 0.1f);
        test_cells(n, 4.0f);
        test_cells(n, 200.0f);
    }
#if defined(__x86_64__)
    const int64_t sticky = 0x3f; /* flags that may be raised; the control bits must be as they were */
#else
    const int64_t sticky = 0;
#endif
    if ((read_control() & ~sticky) != (control & ~sticky)) {
        failures++;
        printf("the floating-point control register was changed\n");
    }
    printf("tier %s: %s\n", tier, failures ? "FAILED" : "ok");
    return failures ? 1 : 0;
}
