package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Memory.ALL;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.PackLayout;

/**
 * Columns of int8 and what they are multiplied by, in memory: a list of those of which four
 * products have a sum of 16 bits, and a list of those of which two have. Products are added up in
 * 16 bits first, since to widen a register of them takes five operations, and to make one takes
 * three.
 *
 * <pre>
 *   |factor| at most     64                    127
 *   are added up          4                      2       4 x 64 x 127 and 2 x 127 x 127 fit
 * </pre>
 *
 * A factor beyond 127, a change of up to 254, is two columns. Each list is filled up to a multiple
 * of 4 or 2 with column 0 times 0. Columns times 0 are left out.
 *
 * <p>Layout, in longs: for each list how many it has and where it begins, as integers; for each
 * where the next one goes; from the second cache line on the terms of both. A term is the place of
 * its column in a tile of {@link PackLayout#TILE_UNITS} rows, in bytes, times 65,536, and its
 * factor: one load, and without a check of its alignment.
 */
final class VectorTerms {
  /** The list of factors of which four products fit. */
  static final int FOURS = 0;

  /** The list of factors of which two do. */
  static final int PAIRS = 1;

  private static final int SMALL = 64;
  private static final int LARGEST = 127;

  /** Bytes in front of the terms. */
  private static final int HEAD = 64;

  /** What the lists may be filled up with. */
  private static final int FILL = 8;

  private VectorTerms() {}

  /** Floats that terms over so many columns take. */
  static int floats(int columns) {
    return Lanes.padded(HEAD / 4 + 2 * (2 * columns + FILL));
  }

  /** How many terms a list has. */
  static int count(long terms, int list) {
    return ALL.get(JAVA_INT, Memory.at(terms) + 8L * list);
  }

  /** Address of its terms. */
  static long list(long terms, int list) {
    return terms + HEAD + 8L * ALL.get(JAVA_INT, Memory.at(terms) + 8L * list + 4);
  }

  /** The list of a factor. */
  private static int listOf(int factor) {
    return Math.abs(factor) > SMALL ? PAIRS : FOURS;
  }

  /**
   * Puts terms down.
   *
   * @param count factors
   * @param movedAt address of their columns; 0 for the first {@code count}
   * @param factorsAt address of the factors
   * @param terms where to
   */
  static void put(int count, long movedAt, long factorsAt, long terms) {
    long moved = Memory.at(movedAt);
    long factors = Memory.at(factorsAt);
    long head = Memory.at(terms);
    long to = Memory.at(terms + HEAD);
    int small = 0;
    for (int i = 0; i < count; i++) {
      int factor = ALL.get(JAVA_INT, factors + 4L * i);
      small += factor == 0 ? 0 : 1 - listOf(factor);
    }
    // Behind the small ones is room for one whose factor is 0, and for what follows each.
    int second = ((small + 3) & -4) + 2;
    ALL.set(JAVA_INT, next(head, FOURS), 0);
    ALL.set(JAVA_INT, next(head, PAIRS), second);
    // Without branches: which list a factor belongs to is news.
    for (int i = 0; i < count; i++) {
      int factor = ALL.get(JAVA_INT, factors + 4L * i);
      int column = movedAt == 0 ? i : ALL.get(JAVA_INT, moved + 4L * i);
      long next = next(head, listOf(factor));
      int at = ALL.get(JAVA_INT, next);
      int first = Math.min(Math.max(factor, -LARGEST), LARGEST);
      put(to, at, column, first);
      put(to, at + 1, column, factor - first);
      ALL.set(JAVA_INT, next, at + (factor == 0 ? 0 : 1) + (factor == first ? 0 : 1));
    }
    for (int i = small; i < second; i++) {
      put(to, i, 0, 0);
    }
    int pairs = ALL.get(JAVA_INT, next(head, PAIRS)) - second;
    put(to, second + pairs, 0, 0);
    begin(head, FOURS, second - 2, 0);
    begin(head, PAIRS, (pairs + 1) & -2, second);
  }

  private static long next(long head, int list) {
    return head + 4L * (4 + list);
  }

  private static void begin(long head, int list, int count, int from) {
    ALL.set(JAVA_INT, head + 8L * list, count);
    ALL.set(JAVA_INT, head + 8L * list + 4, from);
  }

  private static void put(long to, int at, int column, int factor) {
    long term = (long) column * PackLayout.TILE_UNITS << 16 | factor & 0xffff;
    ALL.set(JAVA_LONG_UNALIGNED, to + 8L * at, term);
  }
}
