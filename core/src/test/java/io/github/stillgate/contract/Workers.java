package io.github.stillgate.contract;

import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.stage.NetworkAccess;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.List;

/** The threads that help the sessions of a plan. */
final class Workers {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private Workers() {}

  /** Those that were started. */
  static List<Thread> of(Plan plan) {
    return NetworkAccess.of(plan).workers();
  }

  /** Processor time they took, of those that live. */
  static long cpuNanos(List<Thread> workers) {
    return workers.stream()
        .mapToLong(worker -> Math.max(0, THREADS.getThreadCpuTime(worker.threadId())))
        .sum();
  }

  /** Bytes they allocated. */
  static long allocatedBytes(List<Thread> workers) {
    com.sun.management.ThreadMXBean threads = (com.sun.management.ThreadMXBean) THREADS;
    return workers.stream()
        .mapToLong(worker -> Math.max(0, threads.getThreadAllocatedBytes(worker.threadId())))
        .sum();
  }
}
