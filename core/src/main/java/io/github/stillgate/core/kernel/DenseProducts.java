package io.github.stillgate.core.kernel;

import java.lang.foreign.MemorySegment;

/**
 * Products of many vectors and one matrix by a library whose sums have an order of their own: a
 * BLAS. It serves whole dense products of batches and sequences, and only when a plan asks for it.
 * Found by {@link java.util.ServiceLoader}.
 *
 * <p>Safe for any number of threads.
 */
public interface DenseProducts {
  /** Whether there is one here, and if not, why and what to do; its name is the tier. */
  Availability availability();

  /**
   * {@code C = A B^T}, all row-major float32 and off-heap. Each sum differs from the exact one by
   * at most {@code (width + 1) 2^-24} times the sum of the magnitudes of its products, in any
   * order.
   *
   * @param vectors rows of A and C
   * @param rows rows of B, columns of C
   * @param width columns of A and B
   */
  void multiply(
      int vectors, int rows, int width, MemorySegment a, MemorySegment b, MemorySegment c);
}
