package io.github.stillgate.bench.step;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToIntFunction;
import org.HdrHistogram.Histogram;

/**
 * One JVM of {@link Peers}: the rows of one cell and width in turns of some milliseconds, every
 * step timed. Prints what it found as one line of JSON.
 */
public final class StepFork {
  private static final long LONGEST_NANOS = 10_000_000_000L;
  private static final int DIGITS = 3;
  private static final long TURN_NANOS = 8_000_000;

  /** Before the clock of a turn starts: the others have emptied the caches. */
  private static final long LEAD_NANOS = 2_000_000;

  private static final int LEAD_STEPS = 2;
  private static final double WARM_UP_SECONDS = 0.5;
  private static final int WARM_UP_STEPS = 20_000;
  private static final int LONGEST_WARM_UPS = 4;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private StepFork() {}

  /**
   * A row that could not run here.
   *
   * @param id the row
   * @param reason why
   */
  public record Absent(String id, String reason) {}

  /**
   * What one JVM says.
   *
   * @param found rows that ran
   * @param absent rows that did not
   */
  public record Said(List<Found> found, List<Absent> absent) {}

  /** Runs with the arguments CELL UNITS SECONDS MOVED LIVE ROW..., lists with commas. */
  public static void main(String[] args) throws IOException {
    Rows rows =
        new Rows(Cell.of(args[0]), Integer.parseInt(args[1]), numbers(args[3]), numbers(args[4]));
    List<String> ids = List.of(args).subList(5, args.length);
    Said said =
        run(
            rows,
            rows.all().stream().filter(row -> ids.contains(row.id())).toList(),
            Double.parseDouble(args[2]));
    System.out.println(JsonMapper.builder().build().writeValueAsString(said));
  }

  /** The arguments that {@link #main} reads. */
  static List<String> arguments(Rows rows, double seconds, List<String> ids) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                rows.cell().word(),
                Integer.toString(rows.units()),
                Double.toString(seconds),
                words(rows.moved()),
                words(rows.live())));
    arguments.addAll(ids);
    return arguments;
  }

  private static String words(List<Double> numbers) {
    return String.join(",", numbers.stream().map(String::valueOf).toList());
  }

  private static List<Double> numbers(String words) {
    return words.isEmpty()
        ? List.of()
        : Arrays.stream(words.split(",")).map(Double::valueOf).toList();
  }

  /** {@link #run(List, ToIntFunction, double)} of rows of a cell and width. */
  static Said run(Rows rows, List<Row> chosen, double seconds) {
    return run(chosen, rows::outputs, seconds);
  }

  /**
   * Checks the answers of all rows, times them in turns, and closes them.
   *
   * @param outputs values that come out of a row
   */
  public static Said run(List<Row> chosen, ToIntFunction<Row> outputs, double seconds) {
    List<Runner> runners = new ArrayList<>();
    List<Absent> absent = new ArrayList<>();
    try {
      for (Row row : chosen) {
        try {
          Runner runner = new Runner(row, outputs.applyAsInt(row));
          runners.add(runner);
          row.check(runner.contender, runner.out.length);
        } catch (AbsentException missing) {
          absent.add(new Absent(row.id(), missing.getMessage()));
        }
      }
      // A try of a few milliseconds need not be warm.
      long warmUp = (long) (1e9 * Math.min(WARM_UP_SECONDS, 2 * seconds));
      runners.forEach(runner -> runner.warmUp(warmUp));
      long nanos = (long) (seconds * 1e9);
      boolean isOver = runners.isEmpty();
      for (int round = 0; !isOver; round++) {
        isOver = true;
        for (int i = 0; i < runners.size(); i++) {
          isOver &= runners.get((i + round) % runners.size()).turn() >= nanos;
        }
      }
      return new Said(runners.stream().map(Runner::found).toList(), absent);
    } finally {
      runners.forEach(Runner::close);
    }
  }

  /** A row at work. */
  private static final class Runner {
    private final Row row;
    private final Contender contender;
    private final Feed feed;
    private final float[] out;
    private final Histogram times = new Histogram(LONGEST_NANOS, DIGITS);
    private long timed;
    private long allocated;

    Runner(Row row, int outputs) {
      this.row = row;
      this.contender = row.contender().get();
      this.feed = row.feed().get();
      this.out = new float[outputs];
    }

    /** In the loop that is measured, so that it is compiled. */
    void warmUp(long nanos) {
      long start = System.nanoTime();
      long passed = 0;
      while (passed < LONGEST_WARM_UPS * nanos
          && (passed < nanos || times.getTotalCount() < WARM_UP_STEPS)) {
        turn();
        passed = System.nanoTime() - start;
      }
      times.reset();
      timed = 0;
      allocated = 0;
    }

    /** One turn; gives the time that was measured in all turns so far. */
    long turn() {
      long start = System.nanoTime();
      for (int step = 0; step < LEAD_STEPS || System.nanoTime() - start < LEAD_NANOS; step++) {
        feed.advance();
        contender.step(feed, out);
      }
      long end = System.nanoTime() + TURN_NANOS;
      long before = THREADS.getCurrentThreadAllocatedBytes();
      long after;
      do {
        feed.advance();
        long from = System.nanoTime();
        contender.step(feed, out);
        after = System.nanoTime();
        times.recordValue(after - from);
        timed += after - from;
      } while (after < end);
      allocated += THREADS.getCurrentThreadAllocatedBytes() - before;
      return timed;
    }

    Found found() {
      return Found.of(
          row.id(), times, (double) allocated / times.getTotalCount(), contender.work());
    }

    void close() {
      contender.close();
    }
  }
}
