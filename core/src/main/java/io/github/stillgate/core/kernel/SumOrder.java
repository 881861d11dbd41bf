package io.github.stillgate.core.kernel;

/**
 * The order in which the sum of one row is formed, and with it how rows lie in a pack. An argument
 * of packing: what is live together does not decide it.
 */
public enum SumOrder {
  /**
   * Row by row; each row is padded with zeros to a multiple of {@link Lanes#COUNT}. 32 partial
   * sums, number l taking the elements l, l + 32, l + 64, ... by fused multiply-add from +0; then
   * the tree p[l] += p[l + 16], p[l] += p[l + 8], += 4, += 2, += 1. 512-bit code keeps two
   * registers a row, 256-bit code four, 128-bit code eight. Suits rows that are skipped one by one.
   */
  INTERLEAVED,

  /**
   * Panels of {@link Lanes#COUNT} rows, column by column, so that lanes are rows and no sum goes
   * across lanes. One chain: from +0, fused multiply-add in ascending column order. Suits rows that
   * are read together, and is shared best by many streams.
   */
  CHAIN,

  /**
   * Integers, whose sums are exact, so that any order gives the same: {@link WeightFormat#I8}
   * alone. Tiles of {@link PackLayout#TILE_UNITS} units of one kind, column by column, so that the
   * columns of values that did not move are left out ({@link KeptSums}). Suits layers that are
   * multiplied whole.
   */
  TILES,

  /**
   * Integers again, row by row, each padded with zeros to a multiple of {@link
   * PackLayout#ROW_WEIGHTS}: whole cache lines. For {@link WeightFormat#I8} alone; suits rows that
   * are skipped one by one.
   */
  ROWS
}
