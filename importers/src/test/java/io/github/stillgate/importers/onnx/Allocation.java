package io.github.stillgate.importers.onnx;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;

/**
 * Bytes that this thread allocates: memory, and time where it goes with memory, without a clock.
 */
final class Allocation {
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final long before = THREADS.getCurrentThreadAllocatedBytes();

  /** Bytes since this was made. */
  long bytes() {
    return THREADS.getCurrentThreadAllocatedBytes() - before;
  }
}
