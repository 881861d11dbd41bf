package io.github.stillgate.core.plan;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;

/**
 * One layer packed for a backend. Immutable and shared by all streams of its plan; what a stream
 * adds is a {@link Run}.
 */
abstract sealed class Stage permits ConditionalGruStage, GruStage, DenseStage {
  /** Bound on the magnitude of anything a unit's state can hold: tanh's range and rounding. */
  static final double STATE_BOUND = 1.0001;

  /** Number of values this stage gives. */
  abstract int outputs();

  /** Bound on the magnitude of every output. */
  abstract double outputBound();

  /** Floats of state one stream keeps between steps, a multiple of the padding; 0 if none. */
  abstract int stateFloats();

  /** Weight bytes one step reads when every unit is computed, by token or by vector. */
  abstract long denseBytes(boolean token);

  /**
   * Binds this stage to one stream.
   *
   * @param input what the stage before gives, padded
   * @param state where this stream's state lies; {@link #stateFloats} are taken from it
   * @param scratch for what lives within one step
   */
  abstract Run open(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch);

  /** A stage at work on one stream. Not safe for several threads. */
  interface Run {
    /** What this stage gives, padded with zeros. */
    MemorySegment output();

    /** Units of this stage, or 0 if it has no gates. */
    int units();

    /** Units that were live in the last step. */
    int liveUnits();

    /** Weight bytes the last step read. */
    long bytesRead();

    /** One step on the bound input vector. */
    void step();

    /** One step on a one-hot input. */
    void step(int token);
  }
}
