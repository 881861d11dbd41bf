package io.github.stillgate.contract;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Threads;
import io.github.stillgate.core.session.Session;
import java.util.Arrays;

/**
 * A program for a JVM of its own that may use one core: steps with workers beside steps without.
 * {@link ThreadsContract} starts it.
 */
final class StepsOnOneCore {
  private static final int STEPS = 300;
  private static final int ROUNDS = 5;

  /** A worker that runs takes at most this much from the step it helps. */
  private static final double MOST_SLOWER = 10;

  private StepsOnOneCore() {}

  /** Backend as argument. Ends with 0 if the bits are equal and no round took for ever. */
  public static void main(String[] args) throws InterruptedException {
    Model model = TestModels.gru(27, 200, 3);
    PlanOptions options = PlanOptions.defaults().withBackend(args[0]);
    PlanOptions shared = options.withThreads(Threads.of(3).withLeastBytes(0));
    float[] expected = new float[model.outputs()];
    float[] output = new float[model.outputs()];
    long alone = Long.MAX_VALUE;
    long together = Long.MAX_VALUE;
    boolean equal = true;
    try (Plan one = Plan.compile(model, options);
        Plan three = Plan.compile(model, shared)) {
      for (int round = 0; round < ROUNDS; round++) {
        alone = Math.min(alone, run(one, expected));
        together = Math.min(together, run(three, output));
        equal &= Arrays.equals(expected, output);
        Thread.sleep(5);
      }
    }
    double slower = (double) together / alone;
    System.out.printf(
        "%d processors, equal: %s, %.1f us alone, %.1f times that with two workers%n",
        Runtime.getRuntime().availableProcessors(), equal, alone / 1e3 / STEPS, slower);
    System.exit(equal && slower < MOST_SLOWER ? 0 : 1);
  }

  private static long run(Plan plan, float[] output) {
    try (Session session = Session.open(plan)) {
      long begin = System.nanoTime();
      for (int step = 0; step < STEPS; step++) {
        session.step(step % 27, output);
      }
      return System.nanoTime() - begin;
    }
  }
}
