package io.github.stillgate.kernel.vector;

import java.lang.foreign.MemorySegment;

/**
 * All memory as one segment, which kernels read by address.
 *
 * <p>A segment of its own for each pack costs bounds and liveness checks: C2 hoists them out of a
 * loop at some sixty instructions a row, leaves those of every second register inside, and then
 * does not unroll. With a constant segment without end there is nothing to check.
 *
 * <p>Shapes are checked where a plan is compiled, and a plan frees its memory only when no step is
 * running; the stream keeps its own memory reachable until the step is over (OneThread).
 */
final class Memory {
  /** Offset = address. */
  static final MemorySegment ALL;

  private static final boolean ACCESSIBLE;

  static {
    MemorySegment all = null;
    try {
      all = everything();
    } catch (IllegalCallerException denied) {
      // Said by the backend's availability; no kernel runs then.
    }
    ALL = all == null ? MemorySegment.NULL : all;
    ACCESSIBLE = all != null;
  }

  /** More bits than any address has; C2 learns from the mask that no sum of offsets overflows. */
  private static final long ADDRESS_BITS = (1L << 56) - 1;

  private Memory() {}

  @SuppressWarnings("restricted")
  private static MemorySegment everything() {
    return MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  }

  /** Whether this JVM lets the module read by address. */
  static boolean isAccessible() {
    return ACCESSIBLE;
  }

  /** Where {@code segment} begins. */
  static long at(MemorySegment segment) {
    return segment.address() & ADDRESS_BITS;
  }

  /** The same address, with what C2 knows of one. */
  static long at(long address) {
    return address & ADDRESS_BITS;
  }
}
