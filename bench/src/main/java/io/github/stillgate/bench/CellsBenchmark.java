package io.github.stillgate.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.ComposedCells;
import io.github.stillgate.core.kernel.Lanes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * The elementwise ends of layers in one piece, as a backend has them, beside the same composed of
 * its vector operations: what each fused cell gains. Half of the units of the conditional GRU are
 * live. A cell that a backend does not have in one piece takes the same time in both forms.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CellsBenchmark {
  /** Which cell. */
  public enum Cell {
    /** {@link Cells#gru}. */
    GRU,
    /** {@link Cells#conditionalGru}. */
    CONDITIONAL_GRU,
    /** {@link Cells#blend}. */
    BLEND,
    /** {@link Cells#carry}. */
    CARRY,
    /** {@link Cells#preactivate}. */
    PREACTIVATE
  }

  /** How it is made. */
  public enum Form {
    /** {@link Backend#cells}. */
    FUSED,
    /** {@link ComposedCells} over {@link Backend#vectors}. */
    COMPOSED
  }

  /** Units n. */
  @Param({"64", "256", "1024"})
  public int n;

  /** Backend by name. */
  @Param({"reference", "vector", "native"})
  public String backend;

  /** The cell that is timed. */
  @Param public Cell cell;

  /** In one piece or not. */
  @Param public Form form;

  private Arena arena;
  private Cells cells;
  private MemorySegment x;
  private MemorySegment h;
  private MemorySegment bias;
  private MemorySegment z;
  private MemorySegment keep;
  private MemorySegment scratch;
  private MemorySegment state;
  private MemorySegment out;

  /** For JMH. */
  public CellsBenchmark() {}

  /** Fills sums, biases, gates and a state. */
  @Setup
  public void fill() {
    arena = Arena.ofShared();
    Backend chosen = BackendRegistry.require(backend);
    cells = form == Form.FUSED ? chosen.cells() : new ComposedCells(chosen.vectors());
    SplittableRandom random = new SplittableRandom(1);
    x = rows(3, -3, 3, random);
    h = rows(3, -3, 3, random);
    bias = rows(3, -1, 1, random);
    z = rows(1, -1, 1, random);
    keep = rows(1, 0, 1, random);
    state = rows(1, -1, 1, random);
    out = rows(1, 0, 1, random);
    scratch = Lanes.floats(Cells.SCRATCH_ROWS, n, arena);
  }

  private MemorySegment rows(int count, double low, double high, SplittableRandom random) {
    MemorySegment rows = Lanes.floats(count, n, arena);
    for (int row = 0; row < count; row++) {
      for (int i = 0; i < n; i++) {
        float value = (float) random.nextDouble(low, high);
        rows.setAtIndex(JAVA_FLOAT, (long) row * Lanes.padded(n) + i, value);
      }
    }
    return rows;
  }

  /** Frees all memory. */
  @TearDown
  public void free() {
    arena.close();
  }

  /** One end of a step; the state goes on from call to call. */
  @Benchmark
  public MemorySegment finish() {
    return switch (cell) {
      case GRU -> {
        cells.gru(n, x, h, bias, scratch, state);
        yield state;
      }
      case CONDITIONAL_GRU -> {
        cells.conditionalGru(n, z, x, h, bias, scratch, state);
        yield state;
      }
      case BLEND -> {
        cells.blend(n, keep, x, scratch, state);
        yield state;
      }
      case CARRY -> {
        cells.carry(n, keep, z, x, scratch, state);
        yield state;
      }
      case PREACTIVATE -> {
        cells.preactivate(n, x, h, bias, out);
        yield out;
      }
    };
  }
}
