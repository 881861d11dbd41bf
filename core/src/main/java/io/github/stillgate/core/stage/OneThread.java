package io.github.stillgate.core.stage;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.lang.ref.Cleaner;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a second thread and a closed plan out of the memory of some streams, and sees to it that
 * this memory is freed. Every access stands between {@link #enter} and {@link #exit}; between two
 * such pairs the streams may move to another thread.
 *
 * <p>Closing lets nobody in any more and waits for nobody; what is inside ends its step, and then
 * the memory is freed. A thread that enters writes {@code running}, then reads {@code closed}; one
 * that frees has written {@code closed}, then reads {@code running}. Both are volatile, so one of
 * the two sees the other, as in Dekker's algorithm.
 *
 * <p>What is dropped without being closed is never freed under a step either: a thread inside
 * refers to this object until its exit, and while this object is reachable the memory of its
 * streams is held, and with it the packs.
 */
final class OneThread {
  private static final int OPEN = 0;
  private static final int SESSION_CLOSED = 1;
  private static final int PLAN_CLOSED = 2;
  private static final VarHandle RUNNING;

  static {
    try {
      RUNNING = MethodHandles.lookup().findVarHandle(OneThread.class, "running", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Network network;
  private final StreamMemory memory = new StreamMemory();
  private final Cleaner.Cleanable cleanable;
  private final @Nullable Split split;

  private volatile int running;
  private volatile int closed = OPEN;
  private volatile boolean broken;

  /** The thread inside. Another may read an old value here, but never itself. */
  private @Nullable Thread owner;

  /** Whether the thread inside has begun a change that is not finished. */
  private boolean changing;

  /**
   * A gate for streams of {@code network}.
   *
   * @param packs held until the streams are freed; the caller's hold is taken over
   */
  OneThread(Network network, PackArena packs) {
    this.network = network;
    this.split = network.team().split(this);
    StreamMemory streams = memory;
    this.cleanable =
        Cleanup.of(
            this,
            () -> {
              streams.free();
              packs.release();
            });
  }

  /** What workers take part in multiplications by, or null if there are none. */
  @Nullable Split split() {
    return split;
  }

  /** Memory that is freed when this is closed, or unreachable. */
  StreamMemory memory() {
    return memory;
  }

  /**
   * Lets the calling thread in.
   *
   * @throws IllegalStateException if another thread is inside, or the streams or their plan are
   *     closed
   */
  void enter() {
    Thread self = Thread.currentThread();
    if (closed == OPEN && !broken && RUNNING.compareAndSet(this, 0, 1)) {
      owner = self;
      if (closed == OPEN && !broken) {
        return;
      }
      owner = null;
      running = 0;
    } else if (owner == self) {
      // No code of ours enters twice: the stack had no room for the exit of the call before.
      broken = true;
      owner = null;
      running = 0;
    }
    throw new IllegalStateException(refusal());
  }

  private String refusal() {
    if (closed == PLAN_CLOSED) {
      return "the plan of this session is closed; compile the model again";
    }
    if (closed == SESSION_CLOSED) {
      return "the session is closed; open another on the plan";
    }
    if (broken) {
      return "the session is closed, since a call broke off half-way (the JVM ran out of stack or"
          + " memory); open another on the plan, and restore a snapshot taken before";
    }
    return "another thread is inside this session; a session serves one thread at a time, open one"
        + " for each stream";
  }

  /** Refuses what may be done only between {@link #enter} and {@link #exit}. */
  void requireInside() {
    if (owner != Thread.currentThread()) {
      throw new IllegalStateException("the stream's memory may be used after enter() only");
    }
  }

  /**
   * A change of the state begins: if the thread leaves before {@link #finish}, by an error of any
   * kind, the streams are closed. At the end of a stack nothing more than the exit has to succeed.
   */
  void begin() {
    changing = true;
  }

  /** The change is whole. */
  void finish() {
    changing = false;
  }

  /** Whether nobody is let in any more. */
  boolean isClosed() {
    return closed != OPEN;
  }

  /** Ends what the thread inside does, if it is long and someone closes. */
  void requireOpen() {
    if (isClosed()) {
      throw new IllegalStateException(refusal());
    }
  }

  /** Lets the calling thread out. A thread that is not inside changes nothing. */
  void exit() {
    if (owner != Thread.currentThread()) {
      return;
    }
    if (changing) {
      broken = true;
    }
    owner = null;
    RUNNING.setRelease(this, 0);
  }

  /** Closes the streams; their memory is freed when nobody is inside. */
  void close() {
    if (closeBy(SESSION_CLOSED)) {
      Cleanup.free(this);
    }
    network.forget(this);
  }

  /** Closes the streams because the plan is closed; true if the plan is to free their memory. */
  boolean closeWithPlan() {
    return closeBy(PLAN_CLOSED);
  }

  /** Whether they were open. */
  private synchronized boolean closeBy(int who) {
    boolean first = closed == OPEN;
    closed = Math.max(closed, who);
    return first;
  }

  /**
   * Whether nobody is inside, once this is closed. A thread that has ended is not: its stack had no
   * room for the exit. A worker is inside until the end of its chunk, even if the thread that began
   * the multiplication had no room to wait for it.
   */
  boolean isLeft() {
    if (running != 0) {
      Thread inside = owner;
      if (inside == null || inside.isAlive()) {
        return false;
      }
    }
    return split == null || split.isLeft();
  }

  /** Frees the memory, once; nobody may be inside. */
  void free() {
    cleanable.clean();
  }
}
