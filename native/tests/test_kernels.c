/*
 * Each tier against plain C written from the documents (RowLayout, BlockLayout, Elementary), bit for bit.
 * Exits with 77 where this CPU or build lacks the tier.
 *
 * Sizes are ugly on purpose: widths 1 to 3 registers and a bit, groups that do not fill fours, 1 to 3 rows.
 */
#include <stdio.h>
#include <string.h>

#include "float_control.h"
#include "plain.h"
#include "stillgate.h"
#include "tests.h"

int main(int argc, char **argv) {
    const char *wanted = argc > 1 ? argv[1] : "";
    const char *tier = sg_choose_tier(wanted);
    if (tier == NULL || (wanted[0] != '\0' && strcmp(tier, wanted) != 0)) {
        printf("tier %s: not on this CPU\n", wanted);
        return 77;
    }
    int64_t control = read_control();
    for (int64_t groups = 1; groups <= 11; groups += 2) {
        for (int64_t rows = 1; rows <= 3; rows++) {
            test_rows(groups, rows, 1, 0, 0);
            test_rows(groups, rows, 33, rows, 27);
            test_rows(groups, rows, 97, 4 - rows, 160);
            test_rows(groups, 0, 1, rows, 31);
        }
    }
    for (int streams = 1; streams <= MOST_STREAMS; streams += 2) {
        for (int all = 0; all < 2; all++) {
            test_rows_of_streams(7, 2, 70, 2, 27, streams, all);
            test_rows_of_streams(5, 3, 33, 0, 1, streams, all);
            test_rows_of_streams(9, 0, 1, 1, 130, streams, all);
        }
        /* More rows than one chunk. */
        test_rows_of_streams(150, 0, 1, 1, 1000, streams, 1);
        test_blocks(5, 16, 2, 70, 2, 27, streams);
        test_blocks(4, 64, 2, 33, 2, 9, streams);
        test_blocks(6, 5, 3, 30, 1, 41, streams);
        test_blocks(1, 100, 0, 1, 1, 16, streams);
        test_blocks(8, 2, 1, 16, 3, 5, streams);
        test_blocks(4, 24, 2, 96, 1, 7, streams);
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
