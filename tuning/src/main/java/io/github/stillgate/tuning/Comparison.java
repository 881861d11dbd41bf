package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.session.StepStats;
import java.util.Arrays;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.IntConsumer;

/**
 * Runs networks over the same data, and compares the outputs of each with those of the first, which
 * are kept. Use by one thread at a time.
 */
final class Comparison {
  private static final double LOG2 = Math.log(2);

  /** How many steps are made between two reports of progress. */
  private static final long REHEARSAL_NANOS = 500_000_000L;

  static final int REPORTED = 1024;

  private final TuningData data;
  private final IntConsumer progress;
  private final float[][] outputs;
  private boolean kept;

  /**
   * What one run cost and gave.
   *
   * @param live share of live units of each layer, over all steps; 1 for a layer without any
   * @param moved share of the values of each layer that moved, of those that an int8 plan follows
   * @param crossovers the live fraction from which on each layer was computed whole
   * @param bytesPerStep weight bytes read by a step, mean
   * @param mostBytesPerStep weight bytes that no step exceeds
   * @param medianMicros median time of a step in microseconds, the lower one of two
   * @param largestError largest difference of an output from the first run
   * @param rmsError root of the mean squared difference over all outputs of all steps
   * @param steps how many were made
   * @param changed those of them whose largest output is another one than in the first run
   * @param bitsPerToken mean of -log2 p(next token), or empty if the outputs predict no tokens
   */
  record Outcome(
      double[] live,
      double[] moved,
      double[] crossovers,
      double bytesPerStep,
      long mostBytesPerStep,
      double medianMicros,
      double largestError,
      double rmsError,
      int steps,
      int changed,
      OptionalDouble bitsPerToken) {
    /** Share of the steps whose largest output is the same one as in the first run. */
    double sameLargest() {
      return (double) (steps - changed) / steps;
    }
  }

  /**
   * No run yet.
   *
   * @param width outputs of the networks
   * @param progress hears now and then how many steps were made since it last heard
   * @throws IllegalArgumentException if the outputs to keep would take more than half of the heap
   */
  Comparison(TuningData data, int width, IntConsumer progress) {
    long bytes = 4L * data.steps() * width;
    long room = Runtime.getRuntime().maxMemory() / 2;
    if (bytes > room) {
      throw new IllegalArgumentException(
          "the outputs of %s steps are kept for comparison and take %s MiB, more than half of the"
                  .formatted(data.steps(), bytes >> 20)
              + " heap; take fewer steps (tune --limit) or raise the heap (-Xmx, which ./stillgate"
              + " takes from STILLGATE_JAVA_ARGS)");
    }
    this.data = data;
    this.progress = progress;
    this.outputs = new float[data.steps()][width];
  }

  /**
   * Refuses a network without an output for every token that it is to predict; sessions check what
   * is read.
   */
  static void requireProbabilities(Model model, TuningData data) {
    if (!data.predictsNext()) {
      return;
    }
    for (TuningData.Sequence sequence : data.sequences()) {
      if (sequence instanceof TuningData.Tokens(int[] tokens)) {
        for (int token : tokens) {
          if (token < 0 || token >= model.outputs()) {
            throw new IllegalArgumentException(
                "token %s has no probability among the network's %s outputs; if they are no"
                        .formatted(token, model.outputs())
                    + " probabilities of the next token, say so in TuningData");
          }
        }
      }
    }
  }

  private static long timed(TuningData.Sequence sequence, Session session, int at, float[] out) {
    long before = System.nanoTime();
    sequence.step(session, at, out);
    return System.nanoTime() - before;
  }

  /**
   * Steps through the data for a while. A warm plan is not enough: what is around a step has to be
   * compiled too, or the network that runs first seems slower than the others.
   */
  private void rehearse(Plan plan, float[] out) {
    long end = System.nanoTime() + REHEARSAL_NANOS;
    try (Session session = Session.open(plan)) {
      while (System.nanoTime() < end) {
        for (TuningData.Sequence sequence : data.sequences()) {
          session.reset();
          for (int at = 0; at < sequence.steps() && System.nanoTime() < end; at++) {
            timed(sequence, session, at, out);
          }
        }
      }
    }
  }

  /** Warms a plan up and runs it over all data. */
  Outcome run(Model network, PlanOptions options) {
    float[] out = new float[network.outputs()];
    long[] nanos = new long[outputs.length];
    double largest = 0;
    double squares = 0;
    double nats = 0;
    int predictions = 0;
    int changed = 0;
    int step = 0;
    try (Plan plan = Plan.compile(network, options)) {
      try (Session session = Session.open(plan)) {
        plan.warmUp(Set.of(Plan.Use.STREAM));
        if (!kept) {
          rehearse(plan, out);
        }
        for (TuningData.Sequence sequence : data.sequences()) {
          session.reset();
          for (int at = 0; at < sequence.steps(); at++, step++) {
            nanos[step] = timed(sequence, session, at, out);
            if (!kept) {
              System.arraycopy(out, 0, outputs[step], 0, out.length);
            }
            for (int i = 0; i < out.length; i++) {
              double error = Math.abs((double) out[i] - outputs[step][i]);
              largest = Math.max(largest, error);
              squares += error * error;
            }
            changed += largestOf(out) == largestOf(outputs[step]) ? 0 : 1;
            if (data.predictsNext()
                && at + 1 < sequence.steps()
                && sequence instanceof TuningData.Tokens(int[] tokens)) {
              nats -= Math.log(out[tokens[at + 1]]);
              predictions++;
            }
            if (step % REPORTED == REPORTED - 1) {
              progress.accept(REPORTED);
            }
          }
        }
        progress.accept(step % REPORTED);
        kept = true;
        Arrays.sort(nanos);
        StepStats stats = session.stats();
        double[] live = new double[stats.layers()];
        double[] moved = new double[stats.layers()];
        double[] crossovers = new double[stats.layers()];
        for (int layer = 0; layer < live.length; layer++) {
          live[layer] = stats.liveFraction(layer);
          moved[layer] = stats.movedFraction(layer);
          crossovers[layer] = plan.crossover(layer);
        }
        return new Outcome(
            live,
            moved,
            crossovers,
            (double) stats.totalBytesRead() / stats.steps(),
            plan.mostBytesPerStep(),
            nanos[(step - 1) / 2] / 1e3,
            largest,
            Math.sqrt(squares / ((double) step * out.length)),
            step,
            changed,
            predictions == 0
                ? OptionalDouble.empty()
                : OptionalDouble.of(nats / LOG2 / predictions));
      }
    }
  }

  /** The first of the largest. */
  private static int largestOf(float[] values) {
    int largest = 0;
    for (int i = 1; i < values.length; i++) {
      largest = values[i] > values[largest] ? i : largest;
    }
    return largest;
  }
}
