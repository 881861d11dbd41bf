package io.github.stillgate.bench.paper.digits;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;

/**
 * One JVM that times one network in every variant on every backend, and in ONNX Runtime if it is
 * here. All take turns of the same frames in the order of the stream, each on its own stream, each
 * frame timed by itself, one thread. Prints one line of JSON.
 */
public final class SpeedFork {
  /** Frames of a turn: two seconds. */
  private static final int TURN = 200;

  /** Turns that are made in any case, so that there is speech and silence. */
  private static final int LEAST_TURNS = 5;

  private static final int CHECKED_FRAMES = 200;

  /** Between float32 engines: rounding in another order, other polynomials. */
  private static final double TOLERANCE = 1e-3;

  private static final long LONGEST_NANOS = 10_000_000_000L;

  private SpeedFork() {}

  /**
   * Nanoseconds a frame.
   *
   * @param p50 median
   * @param p99 99th percentile
   * @param mean of those up to the 99th percentile: the others are what the operating system took
   * @param frames that were timed
   */
  record Times(
      @JsonProperty("p50_ns") double p50,
      @JsonProperty("p99_ns") double p99,
      @JsonProperty("mean_ns") double mean,
      long frames) {}

  /**
   * The times of one spotter.
   *
   * @param variant format of the weights
   * @param runsIn the backend, or ONNX Runtime
   * @param speech of frames within words
   * @param silence of all others
   */
  record Found(
      String variant, @JsonProperty("runs_in") String runsIn, Times speech, Times silence) {}

  /**
   * What one JVM says.
   *
   * @param found times
   */
  record Report(List<Found> found) {}

  /** Runs with the arguments FOLDER_OF_THE_TRAINING SECONDS. */
  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[0]);
    List<Spotter> spotters = Spotter.all(Trained.model(folder));
    for (Spotter spotter : spotters) {
      if (spotter instanceof OwnSpotter own) {
        own.warmUp();
      }
    }
    TestStream stream = Trained.stream(folder);
    Report report = new Report(run(spotters, stream, Double.parseDouble(args[1])));
    System.out.println(JsonMapper.builder().build().writeValueAsString(report));
  }

  /** Checks and times the spotters, and closes them. */
  static List<Found> run(List<Spotter> spotters, TestStream stream, double seconds) {
    try {
      requireEqualAnswers(spotters, stream);
      List<Timed> timed = spotters.stream().map(Timed::new).toList();
      long end = System.nanoTime() + (long) (seconds * 1e9);
      for (int turn = 0; turn < LEAST_TURNS || System.nanoTime() < end; turn++) {
        for (int i = 0; i < timed.size(); i++) {
          timed.get((i + turn) % timed.size()).turn(stream, CHECKED_FRAMES + turn * TURN);
        }
      }
      return timed.stream().map(Timed::found).toList();
    } finally {
      spotters.forEach(Spotter::close);
    }
  }

  /** All that have float32 weights give the same probabilities but for rounding. */
  private static void requireEqualAnswers(List<Spotter> spotters, TestStream stream) {
    float[] expected = new float[Decoder.CLASSES];
    float[] found = new float[Decoder.CLASSES];
    for (int t = 0; t < CHECKED_FRAMES; t++) {
      float[] frame = stream.frames()[t % stream.frames().length];
      spotters.getFirst().step(frame, expected);
      for (Spotter spotter : spotters.subList(1, spotters.size())) {
        spotter.step(frame, found);
        for (int k = 0; k < found.length; k++) {
          if (spotter.variant().equals(spotters.getFirst().variant())
              && !(Math.abs(found[k] - expected[k]) <= TOLERANCE)) {
            throw new IllegalStateException(
                "frame %d: class %d has %s in %s and %s in %s"
                    .formatted(
                        t,
                        k,
                        found[k],
                        spotter.runsIn(),
                        expected[k],
                        spotters.getFirst().runsIn()));
          }
        }
      }
    }
  }

  private static final class Timed {
    private final Spotter spotter;
    private final float[] probabilities = new float[Decoder.CLASSES];
    private final Histogram speech = new Histogram(LONGEST_NANOS, 3);
    private final Histogram silence = new Histogram(LONGEST_NANOS, 3);

    Timed(Spotter spotter) {
      this.spotter = spotter;
    }

    /** A quarter of the turn brings the weights back into the cache and is not timed. */
    void turn(TestStream stream, int from) {
      for (int i = 0; i < TURN; i++) {
        int t = (from + i) % stream.frames().length;
        float[] frame = stream.frames()[t];
        long start = System.nanoTime();
        spotter.step(frame, probabilities);
        long nanos = System.nanoTime() - start;
        if (i >= TURN / 4) {
          (stream.speech()[t] ? speech : silence).recordValue(nanos);
        }
      }
    }

    Found found() {
      return new Found(spotter.variant(), spotter.runsIn(), times(speech), times(silence));
    }

    private static Times times(Histogram histogram) {
      return new Times(
          histogram.getValueAtPercentile(50),
          histogram.getValueAtPercentile(99),
          mean(histogram),
          histogram.getTotalCount());
    }

    private static double mean(Histogram histogram) {
      long limit = histogram.getValueAtPercentile(99);
      double sum = 0;
      long count = 0;
      for (HistogramIterationValue value : histogram.recordedValues()) {
        if (value.getValueIteratedTo() <= limit) {
          sum += (double) value.getValueIteratedTo() * value.getCountAtValueIteratedTo();
          count += value.getCountAtValueIteratedTo();
        }
      }
      return sum / count;
    }
  }
}
