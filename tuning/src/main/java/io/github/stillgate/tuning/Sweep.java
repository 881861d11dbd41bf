package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.session.StepStats;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.IntConsumer;

/**
 * Runs one network over the same data exactly and with {@link Skipping#below}, and compares the
 * outputs: with y of the exact run and y' of another, over all outputs of all steps,
 *
 * <pre>
 *   largest error = max |y' - y|        rms error = sqrt(mean (y' - y)^2)
 * </pre>
 *
 * <p>Errors are the same in every run. Times are those of this machine, and bytes depend on it a
 * little, because a plan that warms up measures from which live fraction on it reads everything; so
 * sweep on an idle machine. Use by one thread at a time. See {@code docs/skipping.md}.
 */
public final class Sweep {
  private static final double LOG2 = Math.log(2);

  /** How many steps are made between two reports of progress. */
  private static final int REPORTED = 1024;

  private final Model model;
  private final TuningData data;
  private final PlanOptions options;
  private final IntConsumer progress;
  private final float[][] outputs;
  private final SweepPoint exact;
  private final List<SweepPoint> points = new ArrayList<>();

  private Sweep(Model model, TuningData data, PlanOptions options, IntConsumer progress) {
    this.model = model;
    this.data = data;
    this.options = options;
    this.progress = progress;
    this.outputs = new float[data.steps()][model.outputs()];
    this.exact = run(model, OptionalInt.empty(), Skipping.STILL_UNITS);
  }

  /**
   * Makes the exact run.
   *
   * @param options of every run; their skipping is not used
   * @throws IllegalArgumentException if the outputs to keep would take more than half of the heap,
   *     or epsilon changes no layer of the network, or the network does not read such data
   * @throws UnsupportedOperationException if the data are tokens and the network reads vectors, or
   *     the network cannot be run step by step
   */
  public static Sweep of(Model model, TuningData data, PlanOptions options) {
    return of(model, data, options, _ -> {});
  }

  /**
   * Like {@link #of(Model, TuningData, PlanOptions)}.
   *
   * @param progress hears now and then, in the exact run and in later ones, how many steps were
   *     made since it last heard
   */
  public static Sweep of(Model model, TuningData data, PlanOptions options, IntConsumer progress) {
    if (approximated(model).isEmpty()) {
      throw new IllegalArgumentException(
          "epsilon changes no layer of this network: it is for GRU layers with the reset after the"
              + " matrix, sigmoid gates and tanh");
    }
    long bytes = 4L * data.steps() * model.outputs();
    long room = Runtime.getRuntime().maxMemory() / 2;
    if (bytes > room) {
      throw new IllegalArgumentException(
          "the outputs of %s steps are kept for comparison and take %s MiB, more than half of the"
                  .formatted(data.steps(), bytes >> 20)
              + " heap; take fewer steps (tune --limit) or raise the heap (-Xmx, which ./stillgate"
              + " takes from STILLGATE_JAVA_ARGS)");
    }
    if (data.predictsNext()) {
      requireProbabilities(model, data);
    }
    return new Sweep(model, data, options, progress);
  }

  /** That every token which is predicted is among the outputs; sessions check what is read. */
  private static void requireProbabilities(Model model, TuningData data) {
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

  /** The layers of {@code model} that {@link Skipping#below} changes. */
  public static List<Layer> approximated(Model model) {
    return model.layers().stream().filter(Sweep::approximates).toList();
  }

  static boolean approximates(Layer layer) {
    // Which layers it changes is the same for every epsilon.
    return Skipping.below(0.5f).approximates(layer);
  }

  /** The run all others are compared with. */
  public SweepPoint exact() {
    return exact;
  }

  /**
   * Runs the network as it is with {@link Skipping#below}.
   *
   * @throws IllegalArgumentException if epsilon is not above 0 and below 1
   */
  public SweepPoint below(float epsilon) {
    return added(run(model, OptionalInt.empty(), Skipping.below(epsilon)));
  }

  /**
   * Runs the network with {@link Skipping#below} and estimates of one rank, calibrated for this
   * epsilon.
   *
   * @param estimates made for the same network
   * @throws IllegalArgumentException if epsilon is not above 0 and below 1, or {@code estimates}
   *     refuses the rank, or is for another network
   */
  public SweepPoint below(float epsilon, Estimates estimates, int rank) {
    if (estimates.model() != model) {
      throw new IllegalArgumentException(
          "the estimates are for another network than the sweep; make them from the same Model");
    }
    return added(run(estimates.of(rank, epsilon), OptionalInt.of(rank), Skipping.below(epsilon)));
  }

  private SweepPoint added(SweepPoint point) {
    points.add(point);
    return point;
  }

  /** All runs so far. */
  public SweepResult result() {
    return new SweepResult(exact, points);
  }

  private SweepPoint run(Model network, OptionalInt rank, Skipping skipping) {
    float[] out = new float[network.outputs()];
    long[] nanos = new long[outputs.length];
    double largest = 0;
    double squares = 0;
    double nats = 0;
    int predictions = 0;
    int step = 0;
    try (Plan plan = Plan.compile(network, options.withSkipping(skipping))) {
      plan.warmUp();
      try (Session session = Session.open(plan)) {
        for (TuningData.Sequence sequence : data.sequences()) {
          session.reset();
          for (int at = 0; at < sequence.steps(); at++, step++) {
            long before = System.nanoTime();
            sequence.step(session, at, out);
            nanos[step] = System.nanoTime() - before;
            if (skipping.isExact()) {
              System.arraycopy(out, 0, outputs[step], 0, out.length);
            }
            for (int i = 0; i < out.length; i++) {
              double error = Math.abs((double) out[i] - outputs[step][i]);
              largest = Math.max(largest, error);
              squares += error * error;
            }
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
        Arrays.sort(nanos);
        StepStats stats = session.stats();
        return new SweepPoint(
            skipping.epsilon(),
            rank,
            liveFraction(network, stats),
            (double) stats.totalBytesRead() / stats.steps(),
            nanos[(step - 1) / 2] / 1e3,
            largest,
            Math.sqrt(squares / ((double) step * out.length)),
            predictions == 0
                ? OptionalDouble.empty()
                : OptionalDouble.of(nats / LOG2 / predictions));
      }
    }
  }

  /**
   * Over the units of all layers that a sweep changes; a GRU that runs exactly has no still one.
   */
  private static double liveFraction(Model network, StepStats stats) {
    double live = 0;
    double units = 0;
    for (int at = 0; at < stats.layers(); at++) {
      Layer layer = network.layers().get(at);
      if (approximates(layer)) {
        live += layer.outputs() * stats.liveFraction(at);
        units += layer.outputs();
      }
    }
    return live / units;
  }
}
