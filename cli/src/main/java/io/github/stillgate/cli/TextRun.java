package io.github.stillgate.cli;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.session.StepStats;
import java.io.IOException;
import java.util.Set;
import java.util.function.LongConsumer;
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
 * @param malformed pieces that were no valid UTF-8, each a mapped character
 * @param bitsPerChar mean of -log2 p(next character) over all characters but the first
 * @param charsPerSecond steps per second, scoring included
 * @param p50 median time of a step in microseconds
 * @param p99 99th percentile
 * @param p999 99.9th percentile
 * @param max slowest step
 * @param firstStep first step after warming up
 * @param liveFraction share of live units, one entry a layer with gates
 * @param movedFraction share of int8 values that moved, one entry a layer; 1 where nothing is
 *     followed
 * @param valuesHeldBack values that waited because too many moved, a step, over all layers
 * @param bytesPerStep weight bytes read by a step, mean
 * @param mostBytesPerStep weight bytes that no step exceeds
 * @param limits what a step may do at most, in words
 * @param unitsHeldBack units that stood still because of a limit, mean of a step over all layers
 * @param checksum 64 bits over the bits of every output
 */
record TextRun(
    String backend,
    String tier,
    boolean dense,
    long characters,
    long mapped,
    @JsonProperty("malformed_utf8") long malformed,
    @JsonProperty("bits_per_char") double bitsPerChar,
    @JsonProperty("chars_per_second") double charsPerSecond,
    @JsonProperty("p50_us") double p50,
    @JsonProperty("p99_us") double p99,
    @JsonProperty("p999_us") double p999,
    @JsonProperty("max_us") double max,
    @JsonProperty("first_step_us") double firstStep,
    @JsonProperty("live_fraction") double[] liveFraction,
    @JsonProperty("moved_fraction") double[] movedFraction,
    @JsonProperty("values_held_back") double valuesHeldBack,
    @JsonProperty("bytes_per_step") double bytesPerStep,
    @JsonProperty("most_bytes_per_step") long mostBytesPerStep,
    String limits,
    @JsonProperty("units_held_back") double unitsHeldBack,
    String checksum) {
  private static final long LONGEST_STEP_NANOS = 10_000_000_000L;
  private static final double LOG2 = Math.log(2);

  /** Streams {@code text}; {@code progress} hears the number of characters now and then. */
  static TextRun of(Plan plan, TokenReader text, LongConsumer progress) throws IOException {
    float[] out = new float[plan.model().outputs()];
    Histogram nanos = new Histogram(LONGEST_STEP_NANOS, 3);
    Checksum checksum = new Checksum();
    double nats = 0;
    try (Session session = Session.open(plan)) {
      Plan.WarmUp warmUp = plan.warmUp(Set.of(Plan.Use.STREAM));
      long start = System.nanoTime();
      long read = 0;
      for (int token = text.next(); token >= 0; read++) {
        int following = text.next();
        long before = System.nanoTime();
        session.step(token, out);
        nanos.recordValue(Math.min(System.nanoTime() - before, LONGEST_STEP_NANOS));
        checksum.add(out);
        if (following >= 0) {
          nats -= Math.log(out[following]);
        }
        if (read % 4096 == 0) {
          progress.accept(read);
        }
        token = following;
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      StepStats stats = session.stats();
      return new TextRun(
          plan.backend(),
          plan.tier(),
          plan.options().skipping() == Skipping.NOTHING,
          read,
          text.mapped(),
          text.malformed(),
          nats / LOG2 / (read - 1),
          read / seconds,
          nanos.getValueAtPercentile(50) / 1e3,
          nanos.getValueAtPercentile(99) / 1e3,
          nanos.getValueAtPercentile(99.9) / 1e3,
          nanos.getMaxValue() / 1e3,
          warmUp.firstStep().toNanos() / 1e3,
          IntStream.range(0, stats.layers())
              .filter(layer -> stats.units(layer) > 0)
              .mapToDouble(stats::liveFraction)
              .toArray(),
          IntStream.range(0, stats.layers()).mapToDouble(stats::movedFraction).toArray(),
          (double) IntStream.range(0, stats.layers()).mapToLong(stats::valuesHeldBack).sum()
              / stats.steps(),
          (double) stats.totalBytesRead() / stats.steps(),
          plan.mostBytesPerStep(),
          plan.limits().toString(),
          IntStream.range(0, stats.layers()).mapToLong(stats::unitsHeldBack).sum()
              / (double) stats.steps(),
          checksum.toString());
    }
  }
}
