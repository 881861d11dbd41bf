package io.github.stillgate.bench;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.session.Session;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * One step of a conditional 27-n-n-27 network of rank 16 on random tokens, some 43 % of its units
 * live as in the shipped model, and of a full GRU 27-n-n on vectors. For n = 200 and 1500 also of
 * two LSTMs n-n-n on vectors: whole, with units removed, and with constant gates besides ({@link
 * LstmStructure}).
 *
 * <p>Bound: the weight bytes that the step read, counted by the session.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class StepBenchmark {
  static final double LIVE = 0.43;

  /** Units n of each of the two layers. */
  @Param({"128", "256", "512", "1024"})
  public int n;

  /** Backend by name. */
  @Param({"reference", "vector", "native"})
  public String backend;

  /**
   * Which network and whether still units are skipped: skip, dense or gru; lstm, pruned-lstm or
   * sparse-lstm for n = 200 and 1500.
   */
  @Param({"skip", "dense", "gru"})
  public String kind;

  private Plan plan;
  private Session session;
  private float[] out;
  private float[] x = new float[0];
  private final int[] tokens = new SplittableRandom(5).ints(4096, 0, Networks.TOKENS).toArray();
  private int next;

  /** Makes the network and the plan. */
  @Setup
  public void open() {
    plan = plan(n, kind, PlanOptions.defaults().withBackend(backend));
    plan.warmUp();
    session = Session.open(plan);
    x = new float[plan.model().inputs()];
    out = new float[plan.model().outputs()];
  }

  private static Plan plan(int n, String kind, PlanOptions options) {
    boolean whole = kind.equals("dense") || kind.equals("gru") || kind.equals("lstm");
    return Plan.compile(
        model(n, kind), options.withSkipping(whole ? Skipping.NOTHING : Skipping.STILL_UNITS));
  }

  private static Model model(int n, String kind) {
    return switch (kind) {
      case "skip", "dense" -> Networks.conditional(n, LIVE);
      case "gru" -> Networks.gru(Networks.TOKENS, n);
      case "lstm" -> LstmStructure.of(n).dense();
      case "pruned-lstm" -> LstmStructure.of(n).unitsRemoved();
      case "sparse-lstm" -> LstmStructure.of(n).gatesConstant();
      default ->
          throw new IllegalArgumentException(
              "kind %s; known are skip, dense, gru, lstm, pruned-lstm and sparse-lstm"
                  .formatted(kind));
    };
  }

  /** All weights of the network: they decide which cache a step reads from. */
  static double footprint(int n, String kind) {
    try (Plan plan = plan(n, kind, PlanOptions.defaults())) {
      return plan.denseBytesPerStep();
    }
  }

  /**
   * Mean weight bytes of a step, counted by a session: the same network reads the same on any
   * backend.
   */
  static double bytesPerStep(int n, String kind) {
    StepBenchmark counted = new StepBenchmark();
    counted.n = n;
    counted.kind = kind;
    try (Plan plan = plan(n, kind, PlanOptions.defaults());
        Session session = Session.open(plan)) {
      counted.plan = plan;
      counted.session = session;
      counted.x = new float[plan.model().inputs()];
      counted.out = new float[plan.model().outputs()];
      for (int step = 0; step < 1000; step++) {
        counted.step();
      }
      return (double) session.stats().totalBytesRead() / session.stats().steps();
    }
  }

  /** Closes the plan. */
  @TearDown
  public void close() {
    plan.close();
  }

  /** One step. */
  @Benchmark
  public float[] step() {
    int token = tokens[next++ & 4095];
    if (plan.model().readsTokens()) {
      session.step(token, out);
    } else {
      int changed = (token * 37 + next) % x.length;
      x[changed] = 1 - x[changed];
      session.step(x, out);
    }
    return out;
  }
}
