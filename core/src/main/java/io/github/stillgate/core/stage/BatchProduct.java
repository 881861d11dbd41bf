package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Pack;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import org.jspecify.annotations.Nullable;

/**
 * A pack with the batch that it multiplies, whose groups workers of a {@link Team} share if that is
 * worth it.
 *
 * <p>Not safe for several threads.
 */
final class BatchProduct implements Split.Work {
  private final Pack pack;
  private final Batch batch;
  private final @Nullable Split split;

  /** That of worker i at i; the batch has one for the stream's thread. */
  private final MemorySegment[] scratch;

  /** An empty batch of up to {@code capacity} streams. */
  BatchProduct(int capacity, Pack pack, @Nullable Split split, SegmentAllocator memory) {
    this.pack = pack;
    this.batch = new Batch(capacity, pack, memory);
    this.split = isShared(capacity, pack, split) ? split : null;
    this.scratch = new MemorySegment[this.split == null ? 1 : this.split.team().threads()];
    scratch[0] = batch.scratch();
    for (int worker = 1; worker < scratch.length; worker++) {
      scratch[worker] = Lanes.floats(pack.batchScratchFloats(capacity), memory);
    }
    if (this.split != null) {
      this.split.team().start();
    }
  }

  private static boolean isShared(int capacity, Pack pack, @Nullable Split split) {
    return split != null
        && pack.dividesBatches()
        && capacity * pack.layout().bytes() >= split.team().leastBytes();
  }

  /** What is multiplied. */
  Batch batch() {
    return batch;
  }

  /**
   * Multiplies all streams of the batch.
   *
   * @param bytes what the streams would read one by one: it tells how long that takes, where they
   *     share what they read
   */
  void multiply(long bytes) {
    pack.prepare(batch);
    if (split == null) {
      pack.multiply(batch, 0, batch.groups(), batch.scratch());
    } else {
      split.multiply(this, batch.groups(), bytes);
    }
  }

  /** The streams of the batch are in every step the ones they are now. */
  void settle() {
    pack.prepare(batch);
  }

  /** The same as {@link #multiply(long)}, on the calling thread, of streams that were settled. */
  void multiplySettled() {
    pack.multiply(batch, 0, batch.groups(), batch.scratch());
  }

  @Override
  public void multiply(int from, int to, int worker) {
    pack.multiply(batch, from, to, scratch[worker]);
  }
}
