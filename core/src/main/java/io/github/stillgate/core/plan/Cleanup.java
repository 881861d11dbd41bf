package io.github.stillgate.core.plan;

import java.lang.ref.Cleaner;
import java.util.List;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;

/**
 * Frees what was closed, and after a garbage collection what was dropped without being closed.
 *
 * <p>Closing does not free by itself: the JVM frees shared memory when every thread has shown that
 * it does not use it. On a CPU that four threads keep busy, that took the closing thread 16 ms; and
 * a step may still be running. So a thread of its own frees, which ends when there is nothing to
 * do.
 */
final class Cleanup {
  private static final Cleaner CLEANER = Cleaner.create();

  /** How long until a stream that was closed within a step is looked at again. */
  private static final long STEP_MICROS = 200;

  /**
   * More than so many that wait to be freed are freed by those who close: whoever opens and closes
   * without a pause piles up nothing.
   */
  private static final int BACKLOG = 32;

  private static final ScheduledThreadPoolExecutor FREEING = freeing();

  private Cleanup() {}

  /**
   * Runs {@code free} once: when the result is cleaned, or when {@code owner} has become
   * unreachable.
   *
   * @param free must not refer to {@code owner}, or it never becomes unreachable
   */
  static Cleaner.Cleanable of(Object owner, Runnable free) {
    return CLEANER.register(owner, free);
  }

  /** Frees the memory of streams that are closed, as soon as nobody is inside. */
  static void free(OneThread closed) {
    if (FREEING.getQueue().size() > BACKLOG && closed.isLeft()) {
      closed.free();
    } else {
      FREEING.execute(() -> freeOrWait(closed));
    }
  }

  /** The same for all streams of a plan, and lets go of its packs. */
  static void free(List<OneThread> closed, Cleaner.Cleanable hold) {
    FREEING.execute(() -> {
      hold.clean();
      closed.forEach(Cleanup::freeOrWait);
    });
  }

  private static void freeOrWait(OneThread closed) {
    if (closed.isLeft()) {
      closed.free();
    } else {
      FREEING.schedule(() -> freeOrWait(closed), STEP_MICROS, TimeUnit.MICROSECONDS);
    }
  }

  private static ScheduledThreadPoolExecutor freeing() {
    ThreadFactory factory =
        Thread.ofPlatform()
            .name("stillgate-cleanup")
            .daemon()
            .inheritInheritableThreadLocals(false)
            .factory();
    ScheduledThreadPoolExecutor executor = new ScheduledThreadPoolExecutor(1, factory);
    executor.setKeepAliveTime(5, TimeUnit.SECONDS);
    executor.allowCoreThreadTimeOut(true);
    return executor;
  }
}
