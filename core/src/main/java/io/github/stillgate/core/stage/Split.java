package io.github.stillgate.core.stage;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One stream's multiplications, cut into chunks that the stream's thread and the workers of a
 * {@link Team} take one by one. Nobody owns a chunk before it begins it: what no worker has begun
 * the stream's thread does itself, so it waits at most for chunks that are under way, and a worker
 * that never comes costs nothing.
 *
 * <pre>
 *   word   | 16 bits: workers inside | 48 bits: the chunks that nobody has begun |
 * </pre>
 *
 * <p>The word is all there is to agree on. It is written when a multiplication begins, after
 * everything that a chunk reads; a worker takes a chunk and enters in one exchange, and leaves by
 * another, after all that it wrote. At 0 all is done. A worker that comes late, with a word of an
 * earlier multiplication, fails to exchange it or takes a chunk of the present one: both are right.
 *
 * <p>Memory of the stream is touched by workers that are inside, and by no other ({@link
 * OneThread#isLeft}).
 */
final class Split {
  private static final int MOST_CHUNKS = 48;
  private static final long CHUNKS = (1L << MOST_CHUNKS) - 1;
  private static final long ONE_INSIDE = 1L << MOST_CHUNKS;

  /** How often to look for the last workers before the thread gives way to them. */
  private static final int PATIENCE = 1_000;

  private static final VarHandle WORD;

  static {
    try {
      WORD = MethodHandles.lookup().findVarHandle(Split.class, "word", long.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  /** What can be done in parts, by several threads at the same time. */
  interface Work {
    /** Does what stands at the positions from {@code from} to {@code to}, exclusive. */
    void multiply(int from, int to, int worker);
  }

  private final Team team;

  /** Held, so that what is dropped is not freed under a worker that is still inside. */
  private final Object stream;

  private volatile long word;
  private @Nullable Work work;
  private int positions;
  private int chunks;
  private volatile @Nullable Throwable failure;

  /** Of the multiplications of {@code stream}. */
  Split(Team team, Object stream) {
    this.team = team;
    this.stream = stream;
  }

  /** Who helps. */
  Team team() {
    return team;
  }

  /**
   * Does {@code positions} of {@code shared}, together with the team if that is worth it; the
   * calling thread is worker 0. What fails in a worker fails here.
   *
   * @param bytes what is read in all
   */
  void multiply(Work shared, int positions, long bytes) {
    int parts = (int) Math.min(Math.min(MOST_CHUNKS, positions), bytes / team.chunkBytes());
    if (bytes < team.leastBytes() || parts < 2) {
      shared.multiply(0, positions, 0);
      return;
    }
    this.work = shared;
    this.positions = positions;
    this.chunks = parts;
    try {
      word = (1L << parts) - 1;
      team.offer(this, bytes);
      int chunk = take(0, 0);
      while (chunk >= 0) {
        multiply(chunk, 0);
        chunk = take(0, 0);
      }
    } finally {
      // At the end of a stack even this may fail; then the memory waits for those inside.
      leave();
    }
    Throwable failed = failure;
    if (failed != null) {
      failure = null;
      throw rethrown(failed);
    }
  }

  private static RuntimeException rethrown(Throwable failed) {
    if (failed instanceof Error error) {
      throw error;
    }
    return (RuntimeException) failed;
  }

  /** Takes what nobody has begun from everybody, and waits for those inside. */
  private void leave() {
    giveUp();
    int patience = PATIENCE;
    while (word != 0) {
      if (patience > 0) {
        patience--;
        Thread.onSpinWait();
      } else {
        Thread.yield();
      }
    }
    work = null;
  }

  private void giveUp() {
    if ((word & CHUNKS) != 0) {
      WORD.getAndBitwiseAnd(this, ~CHUNKS);
    }
  }

  /**
   * Whether no worker is inside, or ever will be, once the stream's thread begins nothing any more.
   */
  boolean isLeft() {
    giveUp();
    return word == 0;
  }

  /** Whether there is a chunk that nobody has begun. */
  boolean isWaiting() {
    return (word & CHUNKS) != 0;
  }

  /**
   * Does one chunk as worker {@code worker}, 1 or above.
   *
   * @return false if there was none
   */
  boolean help(int worker) {
    int chunk = take(worker, ONE_INSIDE);
    if (chunk < 0) {
      return false;
    }
    try {
      multiply(chunk, worker);
    } catch (Throwable thrown) {
      failure = thrown;
    } finally {
      WORD.getAndAdd(this, -ONE_INSIDE);
    }
    return true;
  }

  /**
   * The first free chunk of the worker's own share and behind it, or else the first of all: so a
   * core finds in its cache what it read a step before.
   *
   * @param entering what the worker adds to the word
   * @return -1 if there is none
   */
  private int take(int worker, long entering) {
    while (true) {
      long seen = word;
      long free = seen & CHUNKS;
      if (free == 0) {
        return -1;
      }
      long ahead = free & (-1L << (chunks * worker / team.threads()));
      int chunk = Long.numberOfTrailingZeros(ahead == 0 ? free : ahead);
      if (WORD.compareAndSet(this, seen, (seen & ~(1L << chunk)) + entering)) {
        return chunk;
      }
      Thread.onSpinWait();
    }
  }

  private void multiply(int chunk, int worker) {
    Objects.requireNonNull(work).multiply(at(chunk), at(chunk + 1), worker);
  }

  private int at(int chunk) {
    return (int) ((long) positions * chunk / chunks);
  }
}
