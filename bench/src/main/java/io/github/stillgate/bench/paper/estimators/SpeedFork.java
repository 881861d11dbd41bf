package io.github.stillgate.bench.paper.estimators;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Backends;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.Session;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.HdrHistogram.Histogram;

/**
 * One JVM that times one estimated network on every backend: as it is, with every unit computed and
 * then masked, and as a dense network without an estimate; the first and the last in int8 too. All
 * take turns of some pictures, each step timed by itself, one thread. Prints one line of JSON.
 */
public final class SpeedFork {
  private static final int TURN = 100;
  private static final long LONGEST_NANOS = 10_000_000_000L;

  private SpeedFork() {}

  /** How a network is run. */
  enum Way {
    ESTIMATED,
    MASKED,
    DENSE,
    /** In int8: rows of units that the estimate leaves out are not read. */
    ESTIMATED_I8,
    /** In int8, without an estimate: columns of inputs that are 0 are not read. */
    DENSE_I8
  }

  /**
   * Nanoseconds a step.
   *
   * @param backend who
   * @param way how
   * @param p50 median
   * @param p99 99th percentile
   * @param steps number of steps timed
   */
  record Found(
      String backend,
      Way way,
      @JsonProperty("p50_ns") double p50,
      @JsonProperty("p99_ns") double p99,
      long steps) {}

  /**
   * What one JVM says.
   *
   * @param found times
   */
  record Report(List<Found> found) {}

  /** Runs with the arguments NETWORK MNIST SECONDS. */
  public static void main(String[] args) throws IOException {
    Model model = Model.load(Path.of(args[0]));
    float[][] pictures = Digits.test(Path.of(args[1])).pictures();
    Report report = new Report(run(model, pictures, Double.parseDouble(args[2])));
    System.out.println(JsonMapper.builder().build().writeValueAsString(report));
  }

  /** Times all ways on all backends but the one that is only there to be right. */
  static List<Found> run(Model model, float[][] pictures, double seconds) {
    List<Contender> contenders = new ArrayList<>();
    try {
      for (String backend : Backends.usable()) {
        if (!backend.equals("reference")) {
          for (Way way : Way.values()) {
            contenders.add(new Contender(model, backend, way));
          }
        }
      }
      requireEqualClasses(contenders, pictures);
      long end = System.nanoTime() + (long) (seconds * 1e9);
      int turn = 0;
      do {
        for (int i = 0; i < contenders.size(); i++) {
          contenders.get((i + turn) % contenders.size()).turn(pictures, turn * TURN);
        }
        turn++;
      } while (System.nanoTime() < end);
      return contenders.stream().map(Contender::found).toList();
    } finally {
      contenders.forEach(Contender::close);
    }
  }

  /** The mask has the bits of what is skipped. */
  private static void requireEqualClasses(List<Contender> contenders, float[][] pictures) {
    for (int i = 0; i < Math.min(TURN, pictures.length); i++) {
      float[] skipped = new float[0];
      for (Contender contender : contenders) {
        contender.session.step(pictures[i], contender.out);
        if (contender.way == Way.ESTIMATED) {
          skipped = contender.out;
        } else if (contender.way == Way.MASKED && !Arrays.equals(skipped, contender.out)) {
          throw new IllegalStateException(
              "%s: picture %d has other bits when nothing is skipped"
                  .formatted(contender.backend, i));
        }
      }
    }
  }

  private static final class Contender implements AutoCloseable {
    private final String backend;
    private final Way way;
    private final Plan plan;
    private final Session session;
    private final float[] out;
    private final Histogram times = new Histogram(LONGEST_NANOS, 3);

    Contender(Model model, String backend, Way way) {
      this.backend = backend;
      this.way = way;
      PlanOptions options = PlanOptions.defaults().withBackend(backend);
      this.plan =
          switch (way) {
            case ESTIMATED -> Plan.compile(model, options);
            case MASKED -> Plan.compile(model, options.withSkipping(Skipping.NOTHING));
            case DENSE -> Plan.compile(Bound.dense(model), options);
            case ESTIMATED_I8 -> Plan.compile(model, options.withWeights(WeightFormat.I8));
            case DENSE_I8 -> Plan.compile(Bound.dense(model), options.withWeights(WeightFormat.I8));
          };
      plan.warmUp();
      this.session = Session.open(plan);
      this.out = new float[model.outputs()];
    }

    /** A quarter of the turn brings the weights back into the cache and is not timed. */
    void turn(float[][] pictures, int from) {
      for (int i = 0; i < TURN; i++) {
        float[] picture = pictures[(from + i) % pictures.length];
        long start = System.nanoTime();
        session.step(picture, out);
        long nanos = System.nanoTime() - start;
        if (i >= TURN / 4) {
          times.recordValue(nanos);
        }
      }
    }

    Found found() {
      return new Found(
          backend,
          way,
          times.getValueAtPercentile(50),
          times.getValueAtPercentile(99),
          times.getTotalCount());
    }

    @Override
    public void close() {
      session.close();
      plan.close();
    }
  }
}
