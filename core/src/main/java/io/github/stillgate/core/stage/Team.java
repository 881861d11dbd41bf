package io.github.stillgate.core.stage;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * The workers that help the streams of one network with large products. They are started with the
 * first stream that can use them and end when the network is closed or dropped.
 *
 * <p>A worker looks at the one stream that offered last ({@link Split}) and takes its chunks while
 * there are any. It goes on looking for a while, which is what makes it quick in steps that follow
 * each other, and then parks until somebody offers again. Streams that step at the same time do not
 * wait for each other: a later offer takes the place of an earlier one, whose stream then does the
 * rest alone.
 *
 * <p>A worker that is about to park says so, then looks once more; one who offers has offered, then
 * looks who is asleep. Both are volatile, so one of the two sees the other.
 *
 * <p>Refers to no network, and to a stream only until its workers are asleep: what is dropped is
 * freed. Safe for any number of threads.
 */
public final class Team {
  /** Most threads: workers are bits, and chunks are few. */
  public static final int MOST_THREADS = 16;

  /** Of the fewest bytes that are shared, how many make a chunk. */
  private static final int LEAST_CHUNKS = 4;

  /**
   * As many times the fewest bytes that are shared are read alone before sleepers are woken: 3 MiB,
   * some 35 microseconds of one core, which is about what passes until a worker comes. So a short
   * step long after the last pays for no system call whose help would come too late.
   */
  private static final int READ_BEFORE_WAKING = 6;

  /** Looks between two at the clock. */
  private static final int LOOKS = 16;

  /** Times that a worker looks at the clock before it lets another thread have its core. */
  private static final int GLANCES = 16;

  private static final VarHandle OFFERED;
  private static final VarHandle ASLEEP;

  static {
    try {
      MethodHandles.Lookup lookup = MethodHandles.lookup();
      OFFERED = lookup.findVarHandle(Team.class, "offered", Split.class);
      ASLEEP = lookup.findVarHandle(Team.class, "asleep", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final int threads;
  private final long spinNanos;
  private final long leastBytes;
  private final long chunkBytes;

  private volatile @Nullable Split offered;

  /** Bit i: worker i is asleep, or about to be. */
  private volatile int asleep;

  private volatile boolean closed;

  /** Bytes that were offered in a row while workers slept. Written by any stream: near enough. */
  private long unheeded;

  private long unheededAt;

  /** Worker i at i; nobody at 0, where the thread of a stream is. */
  private volatile Thread[] workers = {};

  /**
   * A team whose workers are not started yet.
   *
   * @param threads that multiply at the same time, the stream's own included
   * @param spinNanos how long a worker looks for work before it parks
   * @param leastBytes products that read fewer stay with the stream's thread
   */
  public Team(int threads, long spinNanos, long leastBytes) {
    this.threads = threads;
    this.spinNanos = spinNanos;
    this.leastBytes = leastBytes;
    this.chunkBytes = Math.max(1, leastBytes / LEAST_CHUNKS);
  }

  /** Threads that multiply at the same time, the stream's own included. */
  int threads() {
    return threads;
  }

  /** Products that read fewer bytes are not shared. */
  long leastBytes() {
    return leastBytes;
  }

  /** Bytes that a chunk reads at least. */
  long chunkBytes() {
    return chunkBytes;
  }

  /** What {@code stream} offers its multiplications by, or null if there is nobody to help. */
  @Nullable Split split(Object stream) {
    return threads == 1 ? null : new Split(this, stream);
  }

  /** Starts the workers, once. */
  synchronized void start() {
    if (closed || workers.length > 0) {
      return;
    }
    Thread[] started = new Thread[threads];
    for (int i = 1; i < threads; i++) {
      int worker = i;
      started[i] =
          Thread.ofPlatform()
              .name("stillgate-worker-" + i)
              .daemon()
              .inheritInheritableThreadLocals(false)
              .unstarted(() -> run(worker));
    }
    workers = started;
    for (int i = 1; i < threads; i++) {
      started[i].start();
    }
  }

  /** The workers, if they were started. */
  List<Thread> workers() {
    Thread[] started = workers;
    return started.length == 0
        ? List.of()
        : List.of(Arrays.copyOfRange(started, 1, started.length));
  }

  /** Ends the workers as soon as they have done the chunk they are at; waits for nobody. */
  synchronized void close() {
    closed = true;
    wake();
  }

  /**
   * Lets the workers see {@code split}, whose chunks are ready.
   *
   * @param bytes that they read
   */
  void offer(Split split, long bytes) {
    offered = split;
    if (asleep != 0 && isWorthWaking(bytes)) {
      wake();
    }
  }

  /** Whether this product, and those right before it, are long enough for a worker to come. */
  private boolean isWorthWaking(long bytes) {
    long now = System.nanoTime();
    boolean inARow = now - unheededAt < spinNanos;
    long read = bytes + (inARow ? unheeded : 0);
    unheededAt = now;
    unheeded = read;
    return read >= READ_BEFORE_WAKING * leastBytes;
  }

  /** Unparking is a system call: who takes a bit away makes it, and nobody else. */
  private void wake() {
    int sleeping = (int) ASLEEP.getAndSet(this, 0);
    for (int worker = 1; sleeping >>> worker != 0; worker++) {
      if ((sleeping & 1 << worker) != 0) {
        LockSupport.unpark(workers[worker]);
      }
    }
  }

  private void run(int worker) {
    while (!closed) {
      help(worker);
      sleep(worker);
    }
  }

  /** Helps whoever offers, until nobody has for a while. */
  private void help(int worker) {
    long idle = System.nanoTime();
    int looks = 0;
    while (!closed) {
      if (helps(worker)) {
        idle = System.nanoTime();
        looks = 0;
      } else if (++looks % LOOKS != 0) {
        Thread.onSpinWait();
      } else if (System.nanoTime() - idle >= spinNanos) {
        return;
      } else if (looks % (LOOKS * GLANCES) == 0) {
        // On a core of its own this costs little; on a shared one it lets the stream go on.
        Thread.yield();
      }
    }
  }

  private boolean helps(int worker) {
    Split split = offered;
    return split != null && split.help(worker);
  }

  /** Parks until somebody offers; may return sooner. */
  private void sleep(int worker) {
    forget();
    ASLEEP.getAndBitwiseOr(this, 1 << worker);
    if (!closed && !isOffered()) {
      LockSupport.park(this);
      // Whoever interrupted it had no business with it, and parking would return at once.
      Thread.interrupted();
    }
    ASLEEP.getAndBitwiseAnd(this, ~(1 << worker));
  }

  private boolean isOffered() {
    Split split = offered;
    return split != null && split.isWaiting();
  }

  /** Lets go of a stream that has nothing to do; if it just began something, it does that alone. */
  private void forget() {
    Split split = offered;
    if (split != null && !split.isWaiting()) {
      OFFERED.compareAndSet(this, split, null);
    }
  }
}
