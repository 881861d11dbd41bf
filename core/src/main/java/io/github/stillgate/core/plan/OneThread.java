package io.github.stillgate.core.plan;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Keeps a second thread and a closed plan out of some streams' memory. Every access stands between
 * {@link #enter} and {@link #exit}; between two such pairs the streams may move to another thread.
 * Closing waits for the exit, so no step ever runs on freed memory.
 */
final class OneThread {
  private static final int IDLE = 0;
  private static final int RUNNING = 1;
  private static final int SESSION_CLOSED = 2;
  private static final int PLAN_CLOSED = 3;
  private static final VarHandle PHASE;

  static {
    try {
      PHASE = MethodHandles.lookup().findVarHandle(OneThread.class, "phase", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  @SuppressWarnings("unused") // through PHASE
  private volatile int phase = IDLE;

  void enter() {
    if (!PHASE.compareAndSet(this, IDLE, RUNNING)) {
      throw new IllegalStateException(
          switch (phase) {
            case SESSION_CLOSED -> "the session is closed; open another on the plan";
            case PLAN_CLOSED -> "the plan of this session is closed; compile the model again";
            default ->
                "another thread is inside this session; a session serves one thread at a time,"
                    + " open one for each stream";
          });
    }
  }

  /** Refuses what may be done only between {@link #enter} and {@link #exit}. */
  void requireInside() {
    if (phase != RUNNING) {
      throw new IllegalStateException("the stream's memory may be used after enter() only");
    }
  }

  /** A thread that is not inside, or was thrown out by {@link #fail}, changes nothing. */
  void exit() {
    PHASE.compareAndSet(this, RUNNING, IDLE);
  }

  /** Closes from inside: a step broke off half-way, and what it left is of no use. */
  void fail() {
    PHASE.compareAndSet(this, RUNNING, SESSION_CLOSED);
  }

  void close() {
    close(SESSION_CLOSED);
  }

  void closeWithPlan() {
    close(PLAN_CLOSED);
  }

  private void close(int closed) {
    while (!PHASE.compareAndSet(this, IDLE, closed)) {
      if (phase == SESSION_CLOSED || phase == PLAN_CLOSED) {
        return;
      }
      Thread.onSpinWait();
    }
  }
}
