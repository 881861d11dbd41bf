package io.github.stillgate.core.kernel;

import java.lang.foreign.MemorySegment;

/**
 * Packed weights together with the kernel of a backend that multiplies them.
 *
 * <p>A kernel writes the sums of the groups it was asked for and the scratch it was given, nothing
 * else. So any number of threads may multiply at once: for different streams, or for one stream
 * with different positions of a set and scratch of their own.
 *
 * <p>Immutable. The arena it was packed into must be alive.
 */
public abstract class Pack {
  /** Floats of scratch that a multiplication of most packs may use. */
  public static final int SCRATCH_FLOATS = 256;

  private final PackedWeights weights;

  /** A kernel over {@code weights}. */
  protected Pack(PackedWeights weights) {
    this.weights = weights;
  }

  /** Where the rows lie. */
  public final PackLayout layout() {
    return weights.layout();
  }

  /** The weights. */
  public final PackedWeights weights() {
    return weights;
  }

  /**
   * Floats of scratch that {@link #multiply(ActiveSet, int, int, Binding, MemorySegment)} may use.
   */
  public int scratchFloats() {
    return SCRATCH_FLOATS;
  }

  /** Whether of an operand only what moved is multiplied: its sums are kept. */
  public final boolean follows(int operand) {
    return layout().order() == SumOrder.TILES
        && weights.operandScale(operand) != 0
        && !weights.movement(operand).equals(Movement.ALL);
  }

  /** Whether the values that sums over an operand are of can lag behind what it is. */
  public final boolean lags(int operand) {
    return follows(operand) && weights.movement(operand).lags();
  }

  /** Floats that this pack needs for {@link KeptSums#changes} over an operand. */
  public int changeFloats(int operand) {
    return layout().part(operand).columns();
  }

  /**
   * Finds out what moved of the operands whose sums a stream keeps ({@link KeptSums}), and takes it
   * for sent: once before all groups of {@code stream} are multiplied. It has nothing to do for a
   * pack of floats.
   */
  public void prepare(Binding stream) {}

  /**
   * Sums the rows of the groups {@code set[from .. to)}, each row over its operand: the sum of a
   * row is formed in the {@link SumOrder} of the layout and goes to {@link PackLayout.Part#sumAt}
   * of the operand's sums. Sums of other groups and of rows that are missing are not written, their
   * rows not read.
   *
   * @param set ascending group numbers
   * @param from first position in the set
   * @param to position after the last
   * @param stream the vectors, and where their sums go
   * @param scratch {@link #scratchFloats} floats
   */
  public abstract void multiply(
      ActiveSet set, int from, int to, Binding stream, MemorySegment scratch);

  /** Floats of scratch for one thread that multiplies a batch of so many streams. */
  public int batchScratchFloats(int capacity) {
    return scratchFloats();
  }

  /** Multiplies all streams of {@code batch}, on the calling thread. */
  public final void multiply(Batch batch) {
    prepare(batch);
    multiply(batch, 0, batch.groups(), batch.scratch());
  }

  /** Whether several threads may multiply a batch, each other groups of it. */
  public boolean dividesBatches() {
    return true;
  }

  /**
   * Sorts {@code batch} if it is to be; once before {@link #multiply(Batch, int, int,
   * MemorySegment)}.
   */
  public void prepare(Batch batch) {}

  /**
   * The same as {@link #multiply(ActiveSet, int, int, Binding, MemorySegment)} for every stream of
   * {@code batch} and its live groups from {@code from} to {@code to}, exclusive. The bits are
   * those of one stream at a time, which is what this does unless a backend can share what it
   * reads.
   *
   * @param batch prepared ({@link #prepare}), of at least one stream
   * @param scratch {@link #batchScratchFloats} floats
   */
  public void multiply(Batch batch, int from, int to, MemorySegment scratch) {
    for (int stream = 0; stream < batch.count(); stream++) {
      multiply(
          batch.set(stream),
          batch.position(stream, from),
          batch.position(stream, to),
          batch.binding(stream),
          scratch);
    }
  }
}
