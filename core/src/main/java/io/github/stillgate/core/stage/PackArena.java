package io.github.stillgate.core.stage;

import java.lang.foreign.Arena;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The memory of a plan's packs. It has holders, the plan itself and each of its streams, and is
 * freed when the last lets go: so a plan that is closed within a step is freed behind it.
 *
 * <p>Safe for any number of threads.
 */
final class PackArena {
  private final Arena arena = Arena.ofShared();
  private final AtomicInteger holders = new AtomicInteger(1);

  Arena arena() {
    return arena;
  }

  /** One holder more. The caller knows of another that does not let go meanwhile. */
  void hold() {
    holders.incrementAndGet();
  }

  /** One holder less; to be called once by each. */
  void release() {
    if (holders.decrementAndGet() == 0) {
      arena.close();
    }
  }

  /** Whether it is still there. */
  boolean isAlive() {
    return arena.scope().isAlive();
  }
}
