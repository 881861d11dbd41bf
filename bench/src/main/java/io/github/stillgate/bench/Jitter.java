package io.github.stillgate.bench;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import java.util.Locale;
import java.util.SplittableRandom;
import org.HdrHistogram.Histogram;

/**
 * The longest steps of one stream beside a probe of the machine.
 *
 * @param name what was run
 * @param backend name of the backend
 * @param steps timed steps, and runs of the probe
 * @param step times of the steps
 * @param probe times of the probe
 * @param largestBytes weight bytes of the step that read most
 * @param statedBytes weight bytes that no step exceeds, as the plan states
 */
record Jitter(
    String name,
    String backend,
    int steps,
    @JsonProperty("step_ns") Percentiles step,
    @JsonProperty("probe_ns") Percentiles probe,
    @JsonProperty("largest_bytes") long largestBytes,
    @JsonProperty("stated_bytes") long statedBytes) {
  static final String HEAD =
      "| plan | backend | p50 us | p99 | p99.9 | p99.99 | max | probe p50 | p99.99 | beyond the probe"
          + " | most bytes | stated | kept |\n"
          + "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|\n";

  private static final long LONGEST_NANOS = 10_000_000_000L;

  /** Percentiles in the milliseconds are told to a fraction of a step. */
  private static final int DIGITS = 4;

  /** Steps before any is timed: the stream settles, what is around a step gets compiled. */
  private static final int REHEARSED = 20_000;

  /** Every so often all inputs jump, so that a step has as much to do as it can. */
  private static final int JUMP = 64;

  /**
   * Times in nanoseconds.
   *
   * @param p50 median
   * @param p99 99th percentile
   * @param p999 99.9th
   * @param p9999 99.99th
   * @param max longest
   */
  record Percentiles(long p50, long p99, long p999, long p9999, long max) {
    static Percentiles of(Histogram nanos) {
      return new Percentiles(
          nanos.getValueAtPercentile(50),
          nanos.getValueAtPercentile(99),
          nanos.getValueAtPercentile(99.9),
          nanos.getValueAtPercentile(99.99),
          nanos.getMaxValue());
    }
  }

  /** How far the 99.99th percentile exceeds the probe's, in median steps. */
  @JsonProperty("beyond_probe_in_median_steps")
  double beyondProbe() {
    return (double) (step.p9999 - probe.p9999) / step.p50;
  }

  /** Whether both promises of a bounded plan were kept. */
  @JsonProperty("kept")
  boolean kept() {
    return largestBytes <= statedBytes && beyondProbe() <= 0.5;
  }

  /** Runs a stream of a plan that was warmed up, a step and a probe in turns. */
  static Jitter measure(String name, Plan plan, int steps) {
    try (Stream stream = new Stream(plan)) {
      Histogram step = new Histogram(LONGEST_NANOS, DIGITS);
      Histogram probe = new Histogram(LONGEST_NANOS, DIGITS);
      int rehearsed = Math.min(REHEARSED, steps);
      for (int i = 0; i < rehearsed; i++) {
        stream.next();
        step.recordValue(stream.step());
      }
      long rounds = Probe.rounds(step.getValueAtPercentile(50));
      for (int i = 0; i < rehearsed; i++) {
        Probe.run(rounds);
      }
      step.reset();
      long most = 0;
      for (int i = 0; i < steps; i++) {
        stream.next();
        step.recordValue(Math.min(LONGEST_NANOS, stream.step()));
        probe.recordValue(Math.min(LONGEST_NANOS, Probe.run(rounds)));
        most = Math.max(most, stream.session.stats().bytesRead());
      }
      return new Jitter(
          name,
          plan.backend(),
          steps,
          Percentiles.of(step),
          Percentiles.of(probe),
          most,
          plan.mostBytesPerStep());
    }
  }

  /** A line of a Markdown table. */
  String row() {
    return String.format(
        Locale.ROOT,
        "| %s | %s | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.2f steps | %,d | %,d | %s |%n",
        name,
        backend,
        step.p50 / 1e3,
        step.p99 / 1e3,
        step.p999 / 1e3,
        step.p9999 / 1e3,
        step.max / 1e3,
        probe.p50 / 1e3,
        probe.p9999 / 1e3,
        beyondProbe(),
        largestBytes,
        statedBytes,
        kept() ? "yes" : "no");
  }

  /** A session and what it reads: random tokens, or values that walk slowly and sometimes jump. */
  private static final class Stream implements AutoCloseable {
    private final Session session;
    private final boolean tokens;
    private final SplittableRandom random = new SplittableRandom(3);
    private final float[] input;
    private final float[] output;
    private int token;
    private int number;

    Stream(Plan plan) {
      this.session = Session.open(plan);
      this.tokens = plan.model().readsTokens();
      this.input = new float[plan.model().inputs()];
      this.output = new float[plan.model().outputs()];
    }

    void next() {
      if (tokens) {
        token = random.nextInt(input.length);
        return;
      }
      boolean jumps = number++ % JUMP == 0;
      for (int i = 0; i < input.length; i++) {
        float next = jumps ? 0 : input[i];
        float reach = jumps ? 1 : 0.02f;
        next += (float) random.nextDouble(-reach, reach);
        input[i] = Math.clamp(next, -1f, 1f);
      }
    }

    long step() {
      long before = System.nanoTime();
      if (tokens) {
        session.step(token, output);
      } else {
        session.step(input, output);
      }
      return System.nanoTime() - before;
    }

    @Override
    public void close() {
      session.close();
    }
  }

  /** A fixed amount of work in registers. */
  private static final class Probe {
    private static final int CALIBRATED = 2_000;
    private static final int TRIES = 200;

    /** Read by nobody, so that the work is not left out. */
    private static volatile long sink;

    private Probe() {}

    /** How many rounds take as long as {@code nanos}. */
    static long rounds(long nanos) {
      long some = 1_000;
      for (int i = 0; i < CALIBRATED; i++) {
        run(some);
      }
      Histogram times = new Histogram(LONGEST_NANOS, DIGITS);
      for (int i = 0; i < TRIES; i++) {
        times.recordValue(run(some * 10));
      }
      return Math.max(1, nanos * some * 10 / Math.max(1, times.getValueAtPercentile(50)));
    }

    static long run(long rounds) {
      long before = System.nanoTime();
      long value = before | 1;
      for (long i = 0; i < rounds; i++) {
        value ^= value << 13;
        value ^= value >>> 7;
        value ^= value << 17;
      }
      sink = value;
      return System.nanoTime() - before;
    }
  }
}
