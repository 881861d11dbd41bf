package io.github.stillgate.contract;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Threads;
import io.github.stillgate.core.session.BatchSession;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A program for a JVM of its own: drops plans and streams in their last call, while garbage is
 * collected again and again. {@link LifetimeContract} starts it where the C library unmaps or
 * overwrites what is freed, so that a step on freed memory crashes or computes something else.
 */
final class DroppedUnderStep {
  private static final int ROUNDS = 6;
  private static final int STEPS = 100;

  private DroppedUnderStep() {}

  /** Backend and number of threads as arguments. Ends with 0 if every output was right. */
  public static void main(String[] args) throws InterruptedException {
    Threads threads = Threads.of(Integer.parseInt(args[1])).withLeastBytes(0);
    PlanOptions options = PlanOptions.defaults().withBackend(args[0]).withThreads(threads);
    Model model = TestModels.gru(27, 64, 3);
    int[] tokens = new int[STEPS];
    for (int t = 0; t < STEPS; t++) {
      tokens[t] = t % 27;
    }
    float[] expected = lastOfSequence(model, options, tokens);
    AtomicBoolean stop = new AtomicBoolean();
    Thread collector =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              while (!stop.get()) {
                System.gc();
              }
            });
    int wrong = 0;
    for (int round = 0; round < ROUNDS; round++) {
      wrong += Arrays.equals(lastOfSequence(model, options, tokens), expected) ? 0 : 1;
      wrong += Arrays.equals(lastOfSession(model, options, tokens), expected) ? 0 : 1;
      wrong += Arrays.equals(lastOfBatch(model, options, tokens), expected) ? 0 : 1;
    }
    stop.set(true);
    collector.join();
    System.out.println(wrong + " wrong of " + 3 * ROUNDS);
    System.exit(wrong == 0 ? 0 : 1);
  }

  private static float[] lastOfSequence(Model model, PlanOptions options, int[] tokens) {
    return Sequence.open(Plan.compile(model, options)).run(tokens)[tokens.length - 1];
  }

  private static float[] lastOfSession(Model model, PlanOptions options, int[] tokens) {
    float[] output = new float[model.outputs()];
    Session session = Session.open(Plan.compile(model, options));
    for (int token : tokens) {
      session.step(token, output);
    }
    return output;
  }

  private static float[] lastOfBatch(Model model, PlanOptions options, int[] tokens) {
    float[] output = new float[model.outputs()];
    BatchSession batch = BatchSession.open(Plan.compile(model, options), 2);
    BatchSession.Stream stream = batch.join();
    for (int token : tokens) {
      stream.feed(token);
      batch.step();
    }
    stream.read(output);
    return output;
  }
}
