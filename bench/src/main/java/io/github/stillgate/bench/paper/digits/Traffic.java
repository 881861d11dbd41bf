package io.github.stillgate.bench.paper.digits;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.core.session.StepStats;

/**
 * What frames of one kind, speech or silence, read and moved.
 *
 * @param frames of this kind
 * @param bytes of weights that they read
 * @param moved sum over these frames of the share of a layer's kept values that moved, by layer;
 *     all of them for a layer that keeps none
 */
record Traffic(long frames, long bytes, double[] moved) {
  /** The weights a frame reads. */
  @JsonProperty("bytes_a_frame")
  double bytesAFrame() {
    return (double) bytes / frames;
  }

  /** Share of the values of {@code layer} that moved, mean over the frames. */
  double movedFraction(int layer) {
    return moved[layer] / frames;
  }

  /** Mean over the recurrent layers: all but the last. */
  @JsonProperty("moved_recurrent")
  double movedRecurrent() {
    double sum = 0;
    for (int layer = 0; layer < moved.length - 1; layer++) {
      sum += movedFraction(layer);
    }
    return sum / (moved.length - 1);
  }

  /** The traffic of both. */
  Traffic plus(Traffic other) {
    double[] sums = moved.clone();
    for (int layer = 0; layer < sums.length; layer++) {
      sums[layer] += other.moved[layer];
    }
    return new Traffic(frames + other.frames, bytes + other.bytes, sums);
  }

  /** Takes the traffic of a session apart, frame by frame. Used by one thread. */
  static final class Meter {
    private final StepStats stats;
    private final long[] frames = new long[2];
    private final long[] bytes = new long[2];
    private final double[][] moved;
    private final double[] before;

    Meter(StepStats stats) {
      this.stats = stats;
      this.moved = new double[2][stats.layers()];
      this.before = new double[stats.layers()];
    }

    /**
     * Counts the step that was made last. A layer multiplies equally many values in each step, so
     * that the step's own share is what the mean over all steps, times their number, grew by.
     */
    void record(boolean speech) {
      int kind = speech ? 1 : 0;
      frames[kind]++;
      bytes[kind] += stats.bytesRead();
      for (int layer = 0; layer < before.length; layer++) {
        double sum = stats.movedFraction(layer) * stats.steps();
        moved[kind][layer] += sum - before[layer];
        before[layer] = sum;
      }
    }

    Traffic of(boolean speech) {
      int kind = speech ? 1 : 0;
      return new Traffic(frames[kind], bytes[kind], moved[kind]);
    }
  }
}
