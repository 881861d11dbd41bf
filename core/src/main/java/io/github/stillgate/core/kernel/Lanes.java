package io.github.stillgate.core.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;

/**
 * How all memory of the floor is padded and aligned, so that kernels have no tails and every vector
 * begins on a cache line.
 */
public final class Lanes {
  /**
   * The multiple that every extent is padded to; also the partial sums of a row and the rows of a
   * panel.
   */
  public static final int COUNT = 32;

  /** Alignment of all memory in bytes. */
  public static final int ALIGNMENT = 64;

  private Lanes() {}

  /** {@code extent} rounded up to a multiple of {@link #COUNT}. */
  public static int padded(int extent) {
    return Math.multiplyExact(Math.ceilDiv(extent, COUNT), COUNT);
  }

  /** Memory for {@code count} floats and their padding; zero if the allocator's memory is. */
  public static MemorySegment floats(int count, SegmentAllocator memory) {
    return memory.allocate(4L * padded(count), ALIGNMENT);
  }

  /** Memory for {@code rows} vectors of {@code count} floats, each padded, one after the other. */
  public static MemorySegment floats(int rows, int count, SegmentAllocator memory) {
    return memory.allocate(4L * rows * padded(count), ALIGNMENT);
  }
}
