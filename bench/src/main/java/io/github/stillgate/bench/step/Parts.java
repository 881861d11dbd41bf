package io.github.stillgate.bench.step;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.bench.ReadBenchmark;
import io.github.stillgate.bench.layer.LayerKind;
import io.github.stillgate.bench.strategy.Turns;
import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Movement;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackLayout;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.kernel.RowGroups;
import io.github.stillgate.core.kernel.RowSource;
import io.github.stillgate.core.kernel.SumOrder;
import io.github.stillgate.core.kernel.WeightFormat;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;

/**
 * One JVM that times a step of a GRU, as wide as its input and with every column multiplied, beside
 * its parts, in turns. Prints one line of JSON.
 */
public final class Parts {
  private static final int KINDS = 3;

  /** What {@link ReadBenchmark} reads at a time. */
  private static final int SLICE_KIB = 16;

  /** Of each part: uncompiled vector code is thousands of times slower. */
  private static final double WARM_UP_SECONDS = 1.5;

  private Parts() {}

  /**
   * Nanoseconds.
   *
   * @param step a step of a session
   * @param read a plain read of so many bytes as the step reads
   * @param products the products by themselves, with what they prepare
   * @param end gates, candidate and state by themselves
   */
  record Times(double step, double read, double products, double end) {}

  /** Runs with the arguments BACKEND FORMAT UNITS TURNS. */
  public static void main(String[] args) throws IOException {
    Times times =
        time(
            args[0],
            WeightFormat.valueOf(args[1]),
            Integer.parseInt(args[2]),
            Integer.parseInt(args[3]),
            WARM_UP_SECONDS);
    System.out.println(JsonMapper.builder().build().writeValueAsString(times));
  }

  /** Weight bytes of a step. */
  static double bytes(WeightFormat format, int units) {
    return 2.0 * KINDS * units * units * format.bytes();
  }

  static Times time(
      String backend, WeightFormat format, int units, int turns, double warmUpSeconds) {
    Feed feed = Feed.random(units);
    float[] out = new float[units];
    int kib = (int) Math.ceil(bytes(format, units) / 1024 / SLICE_KIB) * SLICE_KIB;
    ReadBenchmark read = new ReadBenchmark();
    read.kib = kib;
    read.allocate();
    int[] sink = new int[1];
    try (Arena memory = Arena.ofConfined();
        Contender step =
            LayerRows.whole(
                LayerKind.of("gru").make(units),
                backend,
                io.github.stillgate.core.plan.WeightFormat.valueOf(format.name()))) {
      Backend kernels = BackendRegistry.require(backend);
      Operand x = random(units, memory);
      Product product =
          new Product(pack(kernels, format, units, memory), memory, 1, x, random(units, memory));
      ActiveSet all = ActiveSet.all(product.pack().layout().groups(), memory);
      Cells cells = kernels.cells();
      MemorySegment bias = Lanes.floats(KINDS, units, memory);
      MemorySegment scratch = Lanes.floats(Cells.SCRATCH_ROWS, units, memory);
      MemorySegment state = Lanes.floats(units, memory);
      feed.advance();
      List<Turns.Contender> parts =
          List.of(
              new Turns.Contender("step", () -> step.step(feed, out)),
              new Turns.Contender("read", () -> sink[0] += read.read()),
              new Turns.Contender("products", () -> product.multiply(all)),
              new Turns.Contender(
                  "end",
                  () -> cells.gru(units, product.sums(0), product.sums(1), bias, scratch, state)));
      parts.forEach(part -> warmUp(part.call(), warmUpSeconds));
      List<Turns.Time> found = Turns.run(parts, turns);
      return new Times(
          found.get(0).nanos(),
          found.get(1).nanos() * bytes(format, units) / (1024.0 * kib),
          found.get(2).nanos(),
          found.get(3).nanos());
    } finally {
      read.free();
    }
  }

  /** Until the compiler has done with it. */
  private static void warmUp(Runnable call, double seconds) {
    long end = System.nanoTime() + (long) (1e9 * seconds);
    do {
      call.run();
    } while (System.nanoTime() < end);
  }

  private static Operand random(int units, Arena memory) {
    Operand operand = new Operand(units, memory);
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < units; i++) {
      operand.floats().setAtIndex(JAVA_FLOAT, i, (float) random.nextDouble(-1, 1));
    }
    return operand;
  }

  /** Packed as a plan packs a GRU that is multiplied whole. */
  private static Pack pack(Backend backend, WeightFormat format, int units, Arena memory) {
    List<RowGroups.Rows> kinds = new ArrayList<>();
    for (int operand = 0; operand < 2; operand++) {
      for (int kind = 0; kind < KINDS; kind++) {
        kinds.add(new RowGroups.Rows(operand, new RandomRows(units, 1 + KINDS * operand + kind)));
      }
    }
    boolean isInt8 = format == WeightFormat.I8;
    RowGroups rows =
        new RowGroups(
            units,
            isInt8 ? PackLayout.TILE_UNITS : Lanes.COUNT,
            kinds,
            OptionalInt.empty(),
            List.of(Double.POSITIVE_INFINITY, 1.0),
            List.of(0f, 0f),
            Movement.ALL);
    return backend.pack(rows, isInt8 ? SumOrder.TILES : SumOrder.CHAIN, format, memory);
  }

  private record RandomRows(int units, int seed) implements RowSource {
    @Override
    public int rows() {
      return units;
    }

    @Override
    public int columns() {
      return units;
    }

    @Override
    public void copyRow(int row, float[] to) {
      SplittableRandom random = new SplittableRandom(31L * seed + row);
      for (int i = 0; i < units; i++) {
        to[i] = (float) random.nextDouble(-0.1, 0.1);
      }
    }
  }
}
