package io.github.stillgate.bench;

import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.Session;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * One step of a full GRU 27-n-n on vectors, shared by some threads: steps back to back, which find
 * the workers looking, and steps every ten milliseconds, which find them parked and the caller's
 * core cooled down. All values of the input change in every step.
 *
 * <p>Bound: the weight bytes that the step read, counted by the session, over the read bandwidth of
 * one core; several threads may exceed it.
 */
@State(Scope.Thread)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class ThreadsBenchmark {
  /** Time from the end of a paced step to the beginning of the next. */
  private static final long PAUSE_NANOS = 10_000_000;

  private static final int INPUTS = 27;

  /** Inputs that differ; a power of two. */
  private static final int FRAMES = 64;

  /** Units n of each of the two layers. */
  @Param({"128", "256", "512", "1024"})
  public int n;

  /** Backend by name. */
  @Param({"vector", "native"})
  public String backend;

  /** Format of the matrices. */
  @Param({"F32", "I8"})
  public WeightFormat weights;

  /** Threads, the caller's included. */
  @Param({"1", "2"})
  public int threads;

  private Plan plan;
  private Session session;
  private final float[][] frames = frames();
  private float[] out;
  private int next;

  private static float[][] frames() {
    float[][] frames = new float[FRAMES][INPUTS];
    for (int t = 0; t < FRAMES; t++) {
      for (int i = 0; i < INPUTS; i++) {
        frames[t][i] = (float) Math.sin(1 + t * (i + 1));
      }
    }
    return frames;
  }

  private static PlanOptions options(WeightFormat weights) {
    return PlanOptions.defaults().withWeights(weights);
  }

  /** Makes the network and the plan. */
  @Setup
  public void open() {
    plan =
        Plan.compile(
            Networks.gru(INPUTS, n), options(weights).withBackend(backend).withThreads(threads));
    plan.warmUp();
    session = Session.open(plan);
    out = new float[plan.model().outputs()];
  }

  /** Closes the plan. */
  @TearDown
  public void close() {
    plan.close();
  }

  /** Mean weight bytes of a step, the same for any backend and number of threads. */
  static double bytesPerStep(int n, WeightFormat weights) {
    ThreadsBenchmark counted = new ThreadsBenchmark();
    try (Plan plan = Plan.compile(Networks.gru(INPUTS, n), options(weights));
        Session session = Session.open(plan)) {
      counted.session = session;
      counted.out = new float[plan.model().outputs()];
      for (int step = 0; step < 4 * FRAMES; step++) {
        counted.step();
      }
      return (double) session.stats().totalBytesRead() / session.stats().steps();
    }
  }

  /** What a step may read, which decides the cache it reads from. */
  static double footprint(int n, WeightFormat weights) {
    try (Plan plan = Plan.compile(Networks.gru(INPUTS, n), options(weights))) {
      return plan.denseBytesPerStep();
    }
  }

  private float[] step() {
    session.step(frames[next++ & FRAMES - 1], out);
    return out;
  }

  /** A step right behind the one before. */
  @Benchmark
  @BenchmarkMode(Mode.AverageTime)
  public float[] backToBack() {
    return step();
  }

  /** Lets time pass before each step. */
  @State(Scope.Thread)
  public static class Pause {
    /** The time between steps, which is not measured. */
    @Setup(Level.Invocation)
    public void pass() {
      long end = System.nanoTime() + PAUSE_NANOS;
      for (long left = PAUSE_NANOS; left > 0; left = end - System.nanoTime()) {
        LockSupport.parkNanos(left);
      }
    }
  }

  /** A step ten milliseconds behind the one before. */
  @Benchmark
  @BenchmarkMode(Mode.SampleTime)
  public float[] paced(Pause pause) {
    return step();
  }
}
