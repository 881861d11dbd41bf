package io.github.stillgate.cli;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.github.stillgate.cli.rows.NewRows;
import io.github.stillgate.cli.rows.RowWriter;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.session.Session;
import java.io.IOException;
import java.util.List;
import java.util.function.LongConsumer;
import org.HdrHistogram.Histogram;

/**
 * One run of vectors through one plan, and what a step cost: inputs given, stepped, outputs taken.
 *
 * @param backend name of the backend
 * @param tier its instruction set or vector width
 * @param steps how many there were
 * @param outputs what was written, a row a step each
 * @param p50 median time of a step in microseconds
 * @param p99 99th percentile
 * @param max slowest step
 * @param checksum 64 bits over the bits of every output that was written
 */
record ScoreRun(
    String backend,
    String tier,
    long steps,
    List<String> outputs,
    @JsonProperty("p50_us") double p50,
    @JsonProperty("p99_us") double p99,
    @JsonProperty("max_us") double max,
    String checksum) {
  private static final long LONGEST_STEP_NANOS = 10_000_000_000L;
  private static final int STEPS_BETWEEN_REPORTS = 4096;

  /**
   * Streams {@code feeds} to their end.
   *
   * @param rows says which outputs are written
   * @param writer receives them
   * @param progress hears the number of steps now and then
   */
  static ScoreRun of(
      Plan plan, ScoreFeeds feeds, NewRows rows, RowWriter writer, LongConsumer progress)
      throws IOException {
    String[] names = rows.names().toArray(String[]::new);
    float[][] outputs = new float[names.length][];
    for (int i = 0; i < names.length; i++) {
      outputs[i] = new float[rows.widths().get(i)];
    }
    Histogram nanos = new Histogram(LONGEST_STEP_NANOS, 3);
    Checksum checksum = new Checksum();
    try (Session session = Session.open(plan)) {
      for (long step = 0; step < feeds.steps(); step++) {
        feeds.read();
        long before = System.nanoTime();
        feeds.set(session);
        session.step();
        for (int i = 0; i < names.length; i++) {
          session.get(names[i], outputs[i]);
        }
        nanos.recordValue(Math.min(System.nanoTime() - before, LONGEST_STEP_NANOS));
        for (float[] output : outputs) {
          checksum.add(output);
        }
        writer.add(outputs);
        if (step % STEPS_BETWEEN_REPORTS == 0) {
          progress.accept(step);
        }
      }
    }
    writer.finish();
    return new ScoreRun(
        plan.backend(),
        plan.tier(),
        feeds.steps(),
        rows.names(),
        nanos.getValueAtPercentile(50) / 1e3,
        nanos.getValueAtPercentile(99) / 1e3,
        nanos.getMaxValue() / 1e3,
        checksum.toString());
  }
}
