package io.github.stillgate.core.plan;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.model.Layer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * One layer packed for a backend. Immutable but for the measured {@link Crossover}, and shared by
 * all streams of its plan; what a stream adds is a {@link Run}.
 */
abstract sealed class Stage
    permits ConditionalGruStage,
        GruStage,
        SkippingGruStage,
        ResetBeforeGruStage,
        LstmStage,
        SimpleRnnStage,
        DenseStage,
        WholeSequenceStage {
  /** Room for rounding above the bound of what a state is mixed from. */
  static final double ROUNDING = 1.0001;

  /** Bound on the magnitude of a state that is mixed from values of tanh. */
  static final double STATE_BOUND = ROUNDING;

  /** Number of values this stage gives. */
  abstract int outputs();

  /** Bound on the magnitude of every output. */
  abstract double outputBound();

  /** What one stream keeps between steps, one vector behind the other. */
  abstract List<StatePart> stateParts();

  /** Floats of state one stream keeps between steps, a multiple of the padding; 0 if none. */
  final int stateFloats() {
    return stateParts().stream().mapToInt(StatePart::floats).sum();
  }

  /** The one state vector of most layers. */
  static List<StatePart> hidden(Layer layer, double bound) {
    return List.of(StatePart.of(layer.name(), StatePart.Kind.HIDDEN, 0, layer.outputs(), bound));
  }

  /** Weight bytes one step reads when every unit is computed, by token or by vector. */
  abstract long denseBytes(boolean token);

  /**
   * Finds out from which live fraction on computing everything is faster.
   *
   * @param cancelled whether to leave off; what is not decided by then stays as it was
   */
  void measureCrossover(BooleanSupplier cancelled) {}

  /** The live fraction from which on a step computes every unit: 0 in a layer without gates. */
  double crossover() {
    return 0;
  }

  /**
   * Binds this stage to one stream.
   *
   * @param input what the stage before gives, padded
   * @param state where this stream's state lies; {@link #stateFloats} are taken from it
   * @param scratch for what lives within one step
   */
  abstract Run open(MemorySegment input, SegmentAllocator state, SegmentAllocator scratch);

  /**
   * A stage at work on one stream. A step is one or more phases; each multiplies some groups of one
   * bank and is then finished element by element. Streams in a batch go through a phase together,
   * so that they can share the multiplication.
   *
   * <p>Not safe for several threads.
   */
  interface Run {
    /** What this stage gives, +0 in its padding. */
    MemorySegment output();

    /** Units of this stage, or 0 if it has no gates. */
    int units();

    /** Units that were live in the last step. */
    int liveUnits();

    /** Weight bytes the last step read. */
    long bytesRead();

    /** Number of phases. */
    int phases();

    /** What a phase multiplies; the same in every step. */
    RowBank.Sums sums(int phase);

    /** Which groups a phase multiplies; known when the phase before is finished. */
    ActiveSet groups(int phase);

    /** Whether a phase multiplies the same groups in every step. */
    boolean fixedGroups(int phase);

    /** Turns the sums of a phase into what the next phase, or the next stage, reads. */
    void finish(int phase);

    /** One step on the bound input vector. */
    default void step() {
      for (int phase = 0; phase < phases(); phase++) {
        sums(phase).multiply(groups(phase));
        finish(phase);
      }
    }

    /** One step on a one-hot input. */
    default void step(int token) {
      for (int phase = 0; phase < phases(); phase++) {
        if (sums(phase).bank().readsTokens()) {
          sums(phase).multiply(groups(phase), token);
        } else {
          sums(phase).multiply(groups(phase));
        }
        finish(phase);
      }
    }
  }
}
