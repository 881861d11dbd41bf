package io.github.stillgate.core.stage;

import java.lang.ref.Cleaner;
import java.util.List;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Frees what was closed, and after a garbage collection what was dropped without being closed.
 *
 * <p>Closing does not free by itself: the JVM frees shared memory when every thread has shown that
 * it does not use it. On one CPU with four threads stepping, and other programs, that took the
 * closing thread 16 ms at the median; and a step may still be running. So a thread of its own
 * frees, which ends when there is nothing to do.
 */
final class Cleanup {
  private static final Cleaner CLEANER = Cleaner.create();

  /** How long until a stream that was closed within a step is looked at again, at first. */
  private static final long STEP_MICROS = 200;

  /** And at most, for a step that is very long. */
  private static final long LONG_STEP_MICROS = 10_000;

  /**
   * With more than so many bytes that wait to be freed, whoever closes a stream frees it himself:
   * one who opens and closes without a pause piles up no more.
   */
  private static final long BACKLOG_BYTES = 2 << 20;

  private static final AtomicLong WAITING_BYTES = new AtomicLong();

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
    long bytes = closed.memory().bytes();
    if (WAITING_BYTES.get() > BACKLOG_BYTES && closed.isLeft()) {
      closed.free();
    } else {
      WAITING_BYTES.addAndGet(bytes);
      FREEING.execute(() -> {
        WAITING_BYTES.addAndGet(-bytes);
        freeOrWait(closed, STEP_MICROS);
      });
    }
  }

  /** The same for all streams of a plan, and lets go of its packs. */
  static void free(List<OneThread> closed, Cleaner.Cleanable hold) {
    FREEING.execute(() -> {
      hold.clean();
      closed.forEach(stream -> freeOrWait(stream, STEP_MICROS));
    });
  }

  private static void freeOrWait(OneThread closed, long micros) {
    if (closed.isLeft()) {
      closed.free();
    } else {
      long next = Math.min(2 * micros, LONG_STEP_MICROS);
      FREEING.schedule(() -> freeOrWait(closed, next), micros, TimeUnit.MICROSECONDS);
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
