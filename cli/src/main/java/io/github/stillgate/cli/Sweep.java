package io.github.stillgate.cli;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.session.StepStats;
import java.util.function.IntConsumer;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** Runs one network over the same data exactly and approximately, and compares the outputs. */
final class Sweep {
  private static final long LONGEST_STEP_NANOS = 10_000_000_000L;
  private static final double LOG2 = Math.log(2);

  private final TuneData data;
  private final PlanOptions options;
  private final IntConsumer progress;
  private final float[][] exact;

  /**
   * Makes room for the outputs of the exact run.
   *
   * @param options of every run, but for the skipping
   * @param progress hears now and then how many steps were made since it last heard
   * @throws IllegalArgumentException if they would take more than half of the heap
   */
  Sweep(Model model, TuneData data, PlanOptions options, IntConsumer progress) {
    this.data = data;
    this.options = options;
    this.progress = progress;
    long bytes = 4L * data.steps() * model.outputs();
    long room = Runtime.getRuntime().maxMemory() / 2;
    if (bytes > room) {
      throw new IllegalArgumentException(
          "the outputs of %s steps are kept for comparison and take %s MiB, more than half of the"
                  .formatted(data.steps(), bytes >> 20)
              + " heap; lower --limit or raise the heap (STILLGATE_JAVA_ARGS=-Xmx...)");
    }
    this.exact = new float[data.steps()][model.outputs()];
  }

  /** The run all others are compared with; comes first. */
  TunePoint exact(Model model) {
    return run(model, null, Skipping.STILL_UNITS);
  }

  /**
   * One run with {@link Skipping#below}.
   *
   * @param rank of the model's estimates, if they were made for this run
   */
  TunePoint below(Model model, @Nullable Integer rank, float epsilon) {
    return run(model, rank, Skipping.below(epsilon));
  }

  private TunePoint run(Model model, @Nullable Integer rank, Skipping skipping) {
    float[] out = new float[model.outputs()];
    Histogram nanos = new Histogram(LONGEST_STEP_NANOS, 3);
    double largest = 0;
    double squares = 0;
    double nats = 0;
    int predictions = 0;
    int step = 0;
    try (Plan plan = Plan.compile(model, options.withSkipping(skipping))) {
      plan.warmUp();
      try (Session session = Session.open(plan)) {
        for (TuneData.Sequence sequence : data.sequences()) {
          session.reset();
          for (int at = 0; at < sequence.steps(); at++, step++) {
            long before = System.nanoTime();
            sequence.step(session, at, out);
            nanos.recordValue(Math.min(System.nanoTime() - before, LONGEST_STEP_NANOS));
            if (skipping.isExact()) {
              System.arraycopy(out, 0, exact[step], 0, out.length);
            }
            for (int i = 0; i < out.length; i++) {
              double error = Math.abs((double) out[i] - exact[step][i]);
              largest = Math.max(largest, error);
              squares += error * error;
            }
            if (data.predictsText() && at + 1 < sequence.steps()) {
              nats -= Math.log(out[sequence.tokens().orElseThrow()[at + 1]]);
              predictions++;
            }
            if (step % 1024 == 1023) {
              progress.accept(1024);
            }
          }
        }
        progress.accept(step % 1024);
        StepStats stats = session.stats();
        return new TunePoint(
            skipping.epsilon(),
            rank,
            liveFraction(model, stats),
            (double) stats.totalBytesRead() / stats.steps(),
            nanos.getValueAtPercentile(50) / 1e3,
            largest,
            Math.sqrt(squares / ((double) step * out.length)),
            predictions == 0 ? null : nats / LOG2 / predictions);
      }
    }
  }

  /**
   * Over the units of all layers that a sweep changes; a GRU that runs exactly has no still one.
   */
  private static double liveFraction(Model model, StepStats stats) {
    double live = 0;
    double units = 0;
    for (int layer = 0; layer < stats.layers(); layer++) {
      if (Skipping.below(0.5f).approximates(model.layers().get(layer))) {
        int width = model.layers().get(layer).outputs();
        live += width * stats.liveFraction(layer);
        units += width;
      }
    }
    return live / units;
  }
}
