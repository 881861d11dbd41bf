package io.github.stillgate.cli;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.session.StepStats;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.HdrHistogram.Histogram;

/**
 * One text streamed through one plan: what it scored and what each step cost.
 *
 * @param backend name of the backend
 * @param tier its instruction set or vector width
 * @param dense whether every unit was computed
 * @param characters characters read
 * @param mapped characters the vocabulary lacked
 * @param bitsPerChar mean of -log2 p(next character) over all characters but the first
 * @param charsPerSecond steps per second, scoring included
 * @param p50 median time of a step in microseconds
 * @param p99 99th percentile
 * @param p999 99.9th percentile
 * @param max slowest step
 * @param firstStep first step after warming up
 * @param liveFraction share of live units, one entry a layer with gates
 * @param bytesPerStep weight bytes read by a step, mean
 * @param checksum 64 bits over the bits of every output
 */
record TextRun(
    String backend,
    String tier,
    boolean dense,
    int characters,
    int mapped,
    @JsonProperty("bits_per_char") double bitsPerChar,
    @JsonProperty("chars_per_second") double charsPerSecond,
    @JsonProperty("p50_us") double p50,
    @JsonProperty("p99_us") double p99,
    @JsonProperty("p999_us") double p999,
    @JsonProperty("max_us") double max,
    @JsonProperty("first_step_us") double firstStep,
    @JsonProperty("live_fraction") double[] liveFraction,
    @JsonProperty("bytes_per_step") double bytesPerStep,
    String checksum) {
  private static final long LONGEST_STEP_NANOS = 10_000_000_000L;
  private static final double LOG2 = Math.log(2);

  /** Streams {@code text}; {@code progress} hears the number of characters now and then. */
  static TextRun of(Plan plan, TokenText text, IntConsumer progress) {
    Plan.WarmUp warmUp = plan.warmUp();
    int[] tokens = text.tokens();
    float[] out = new float[plan.model().outputs()];
    Histogram nanos = new Histogram(LONGEST_STEP_NANOS, 3);
    Checksum checksum = new Checksum();
    double nats = 0;
    long start = System.nanoTime();
    try (Session session = Session.open(plan)) {
      for (int i = 0; i < tokens.length; i++) {
        long before = System.nanoTime();
        session.step(tokens[i], out);
        nanos.recordValue(Math.min(System.nanoTime() - before, LONGEST_STEP_NANOS));
        checksum.add(out);
        if (i + 1 < tokens.length) {
          nats -= Math.log(out[tokens[i + 1]]);
        }
        if (i % 4096 == 0) {
          progress.accept(i);
        }
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      StepStats stats = session.stats();
      return new TextRun(
          plan.backend(),
          plan.tier(),
          plan.options().skipping() == Skipping.NOTHING,
          tokens.length,
          text.mapped(),
          nats / LOG2 / (tokens.length - 1),
          tokens.length / seconds,
          nanos.getValueAtPercentile(50) / 1e3,
          nanos.getValueAtPercentile(99) / 1e3,
          nanos.getValueAtPercentile(99.9) / 1e3,
          nanos.getMaxValue() / 1e3,
          warmUp.firstStep().toNanos() / 1e3,
          IntStream.range(0, stats.layers())
              .filter(layer -> stats.units(layer) > 0)
              .mapToDouble(stats::liveFraction)
              .toArray(),
          (double) stats.totalBytesRead() / stats.steps(),
          checksum.toString());
    }
  }
}
