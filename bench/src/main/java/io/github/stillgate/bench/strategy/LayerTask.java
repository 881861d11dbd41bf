package io.github.stillgate.bench.strategy;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.bench.DenseRows;
import io.github.stillgate.bench.layer.LayerKind;
import io.github.stillgate.bench.step.Contender;
import io.github.stillgate.bench.step.Feed;
import io.github.stillgate.bench.step.LayerRows;
import io.github.stillgate.core.kernel.PackMemory;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.kernel.ffm.Blas;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * A step of one layer of {@value #UNITS} units, as wide as its input: formats and layers whose
 * loops neither rows nor blocks run. Beside it stands a BLAS's product of a float32 matrix of the
 * layer's shape. The reference backend takes no part: it is there to be read.
 */
enum LayerTask {
  /** A GRU with bf16 weights. */
  GRU_BF16("gru", WeightFormat.BF16, 1),

  /** A GRU with int8 weights, every column multiplied. */
  GRU_INT8("gru", WeightFormat.I8, 1),

  /** The same, of which a quarter of the inputs and states move from step to step. */
  GRU_INT8_MOVED("gru", WeightFormat.I8, 0.25),

  /** An SRU with float32 weights: all its sums are over the input. */
  SRU("sru", WeightFormat.F32, 1);

  private static final int UNITS = 512;
  private static final int KINDS = 3;
  private static final int CHECKED_STEPS = 3;
  private static final String SEPARATOR = ":";

  private final String kind;
  private final WeightFormat format;
  private final double moved;

  /**
   * Something to time.
   *
   * @param call one step or product
   * @param close frees it
   */
  record Opened(Runnable call, Runnable close) {}

  LayerTask(String kind, WeightFormat format, double moved) {
    this.kind = kind;
    this.format = format;
    this.moved = moved;
  }

  /** As it is called in results. */
  String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** All words. */
  static List<String> words() {
    return Arrays.stream(values()).map(LayerTask::word).toList();
  }

  /** The task of this word, if it is one. */
  static Optional<LayerTask> find(String word) {
    return Arrays.stream(values()).filter(task -> task.word().equals(word)).findFirst();
  }

  /** Whether a strategy takes part. */
  static boolean admits(String strategy) {
    return !strategy.startsWith("reference");
  }

  /** A strategy of this task, among those of others in one JVM. */
  String contender(String strategy) {
    return word() + SEPARATOR + strategy;
  }

  /** Share of the columns that a step multiplies. */
  double fraction() {
    return moved;
  }

  /** Weight bytes that a step reads. */
  double bytes() {
    return moved
        * KINDS
        * UNITS
        * columns()
        * switch (format) {
          case F32 -> 4;
          case BF16 -> 2;
          case I8 -> 1;
        };
  }

  private int columns() {
    return kind.equals("sru") ? UNITS : 2 * UNITS;
  }

  /** A backend's step, or the product of {@code dense-} and a BLAS. */
  Opened open(String strategy) {
    if (strategy.startsWith("dense-")) {
      return product(BlasLibraries.open(strategy.substring("dense-".length())));
    }
    check(strategy);
    Contender contender = contenderOn(strategy);
    Feed feed = feed();
    float[] out = new float[UNITS];
    return new Opened(
        () -> {
          feed.advance();
          contender.step(feed, out);
        },
        contender::close);
  }

  private Contender contenderOn(String backend) {
    return moved < 1
        ? LayerRows.moved(kind, UNITS, backend)
        : LayerRows.whole(LayerKind.of(kind).make(UNITS), backend, format);
  }

  private Feed feed() {
    return moved < 1 ? Feed.moving(UNITS, moved) : Feed.random(UNITS);
  }

  /**
   * @throws IllegalStateException if a backend's bits are not those of the reference
   */
  private void check(String backend) {
    float[] out = new float[UNITS];
    float[] expected = new float[UNITS];
    Feed feed = feed();
    try (Contender some = contenderOn(backend);
        Contender reference = contenderOn("reference")) {
      for (int step = 0; step < CHECKED_STEPS; step++) {
        feed.advance();
        some.step(feed, out);
        reference.step(feed, expected);
        int wrong = Arrays.mismatch(out, expected);
        if (wrong >= 0) {
          throw new IllegalStateException(
              "%s: output %d of step %d is %s on %s, and %s on the reference"
                  .formatted(word(), wrong, step, out[wrong], backend, expected[wrong]));
        }
      }
    }
  }

  private Opened product(Blas blas) {
    Arena memory = Arena.ofShared();
    SplittableRandom random = new SplittableRandom(1);
    int rows = KINDS * UNITS;
    int columns = columns();
    MemorySegment a = PackMemory.allocate(4L * rows * columns, memory);
    MemorySegment.copy(
        DenseRows.randomValues(rows * columns, random), 0, a, JAVA_FLOAT, 0, rows * columns);
    MemorySegment x = memory.allocate(4L * columns, 64);
    MemorySegment.copy(DenseRows.randomValues(columns, random), 0, x, JAVA_FLOAT, 0, columns);
    MemorySegment y = memory.allocate(4L * rows, 64);
    return new Opened(() -> blas.sgemv(rows, columns, a, x, y), memory::close);
  }
}
