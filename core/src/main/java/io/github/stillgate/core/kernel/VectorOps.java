package io.github.stillgate.core.kernel;

import java.lang.foreign.MemorySegment;

/**
 * The complete small set of operations on vectors; every backend has them all, and everything else
 * can be composed of them. All segments are 64-byte aligned float32 and hold {@code
 * Lanes.padded(n)} elements. What an operation leaves in the first n elements does not depend on
 * padding, which the package's page says more of. Inputs stay as they are; {@code out} may be one
 * of them unless it is said otherwise.
 *
 * <p>Only {@link #flush} turns small numbers into zero.
 *
 * <p>Arguments must be finite. Methods are stateless and safe for any number of threads on separate
 * memory.
 */
public interface VectorOps {
  /**
   * Fills {@code set} with the i below {@code n} whose {@code scores[i] > 0}, ascending. Padding is
   * never selected, whatever it holds: a number after the last group would have a pack read beyond
   * its end.
   */
  void selectPositive(int n, MemorySegment scores, ActiveSet set);

  /** {@code out[i] = left[i] + right[i]}. */
  void add(int n, MemorySegment left, MemorySegment right, MemorySegment out);

  /** {@code out[i] = left[i] - right[i]}. */
  void subtract(int n, MemorySegment left, MemorySegment right, MemorySegment out);

  /** {@code out[i] = left[i] * right[i]}. */
  void multiply(int n, MemorySegment left, MemorySegment right, MemorySegment out);

  /** {@code out[i] = fma(left[i], right[i], addend[i])}. */
  void multiplyAdd(
      int n, MemorySegment left, MemorySegment right, MemorySegment addend, MemorySegment out);

  /**
   * {@code out[i] = f(values[i])}.
   *
   * <p>A backend that has no loop for a function leaves it to this one.
   *
   * @param a first constant of the function
   * @param b its second constant
   */
  default void apply(
      Pointwise function, float a, float b, int n, MemorySegment values, MemorySegment out) {
    ScalarLoops.apply(function, a, b, n, values, out);
  }

  /** {@code out[i] = function(left[i], right[i])}. */
  default void combine(
      Pairwise function, int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    ScalarLoops.combine(function, n, left, right, out);
  }

  /**
   * Values from anywhere, to ranges of {@code out}: {@code out[at + i] = values[position i]} for
   * each range, whatever bits they are. All else in {@code out}, which is other memory, stays.
   *
   * @param ranges how many
   * @param table off-heap ints, for each range: at, number of positions, the positions
   */
  void gather(int ranges, MemorySegment table, MemorySegment values, MemorySegment out);

  /**
   * {@code out[r] = sum of row r} of a matrix whose rows of {@code columns} values lie one after
   * the other, unpadded: 16 partial sums, number l taking the elements l, l + 16, ... by addition
   * from +0 on; then the tree p[l] += p[l + 8], += 4, += 2, += 1. {@code out} is other memory.
   */
  default void rowSums(int rows, int columns, MemorySegment values, MemorySegment out) {
    ScalarLoops.rowSums(rows, columns, values, out);
  }

  /**
   * {@code out[r] = largest of row r}, of equal ones the first; otherwise as {@link #rowSums}.
   *
   * @param sign 1, or -1 for the smallest: the largest of the values times it, times it
   */
  default void rowExtremes(
      int rows, int columns, float sign, MemorySegment values, MemorySegment out) {
    ScalarLoops.rowExtremes(rows, columns, sign, values, out);
  }

  /**
   * {@code out = d / sqrt(s / columns + epsilon)} for each row as in {@link #rowSums}, with {@code
   * d = v - sum / columns} and s the sum of squares of d, whose partial sums are made by fused
   * multiply-add; the quotient is {@link Elementary#divide}. {@code out} is other memory.
   */
  default void normalise(
      int rows, int columns, float epsilon, MemorySegment values, MemorySegment out) {
    ScalarLoops.normalise(rows, columns, epsilon, values, out);
  }

  /**
   * {@code out[r][c] = fma(left[r][inner - 1], right[inner - 1][c], ... fma(left[r][0],
   * right[0][c], +0))}; matrices lie row by row, unpadded. {@code out} is other memory.
   */
  default void matrixProduct(
      int rows,
      int inner,
      int columns,
      MemorySegment left,
      MemorySegment right,
      MemorySegment out) {
    ScalarLoops.matrixProduct(rows, inner, columns, left, right, out);
  }

  /** {@code out[i] = condition[i] > 0 ? yes[i] : no[i]}, bit for bit. */
  void choose(
      int n, MemorySegment condition, MemorySegment yes, MemorySegment no, MemorySegment out);

  /** {@code out[i] = |values[i]| < 1e-30 ? +0 : values[i]}: {@link Elementary#FLUSH_BELOW}. */
  void flush(int n, MemorySegment values, MemorySegment out);

  /**
   * One value a block, eq. 11: {@code out[i] = values[i / blockUnits]}. {@code out} is other memory
   * than {@code values}.
   */
  void spread(int n, int blockUnits, MemorySegment values, MemorySegment out);

  /**
   * {@code out = softmax(values)} over the first n elements; the padding of {@code out} becomes +0.
   *
   * <p>e = exp(v - max), summed in the order {@link SumOrder#INTERLEAVED} (32 partial sums from +0,
   * by addition, then the tree), out = e / sum.
   */
  void softmax(int n, MemorySegment values, MemorySegment out);
}
