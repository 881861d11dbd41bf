package io.github.stillgate.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.RowGroups;
import io.github.stillgate.core.kernel.SumOrder;
import io.github.stillgate.core.kernel.WeightFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
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
 * All sums of a step of an ordinary layer of n units that reads n values: some kinds of rows over
 * the input and as many over the state (3: a GRU, 4: an LSTM), every unit live, in either order.
 * This is the measurement that decides the order of layers whose units are all live: {@link
 * SumOrder#CHAIN} in groups of one panel, or {@link SumOrder#INTERLEAVED} in groups of one unit.
 *
 * <p>Bound: {@code 8 kinds n^2} bytes of float32 weights, half of that of bf16, however many
 * streams share them.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class OrderBenchmark {
  /** Units n, and values read. */
  @Param({"64", "128", "256", "512", "1024"})
  public int n;

  /** Kinds of rows over each of the two operands. */
  @Param({"3", "4"})
  public int kinds;

  /** Backend by name. */
  @Param({"reference", "vector", "native"})
  public String backend;

  /** Order of summation. */
  @Param({"INTERLEAVED", "CHAIN"})
  public SumOrder order;

  /** How weights are stored. */
  @Param({"F32"})
  public WeightFormat weights;

  /** Streams that are multiplied together; 1 is not a batch. */
  @Param({"1"})
  public int streams;

  private Arena arena;
  private Pack pack;
  private ActiveSet all;
  private Binding[] bindings;
  private Batch batch;
  private MemorySegment scratch;

  /** For JMH. */
  public OrderBenchmark() {}

  /** Packs random rows. */
  @Setup
  public void pack() {
    arena = Arena.ofShared();
    SplittableRandom random = new SplittableRandom(1);
    List<RowGroups.Rows> rows = new ArrayList<>();
    for (int operand = 0; operand < 2; operand++) {
      for (int kind = 0; kind < kinds; kind++) {
        rows.add(new RowGroups.Rows(operand, DenseRows.random(n, n, random)));
      }
    }
    int groupUnits = order == SumOrder.CHAIN ? Lanes.COUNT : 1;
    RowGroups groups = new RowGroups(n, groupUnits, rows, OptionalInt.empty());
    pack = BackendRegistry.require(backend).pack(groups, order, weights, arena);
    all = ActiveSet.all(pack.layout().groups(), arena);
    scratch = Lanes.floats(Pack.SCRATCH_FLOATS, arena);
    batch = new Batch(streams, pack, arena);
    bindings = new Binding[streams];
    for (int s = 0; s < streams; s++) {
      bindings[s] = new Binding(2, arena);
      for (int operand = 0; operand < 2; operand++) {
        MemorySegment vector = Lanes.floats(n, arena);
        MemorySegment.copy(DenseRows.randomValues(n, random), 0, vector, JAVA_FLOAT, 0, n);
        int sums = pack.layout().part(operand).sumFloats();
        bindings[s].put(operand, vector, Lanes.floats(sums, arena));
      }
    }
  }

  /** Weight bytes that a call must read. */
  static double bytes(int n, int kinds, WeightFormat weights) {
    return 2.0 * kinds * weights.bytes() * n * n;
  }

  /** Frees the pack. */
  @TearDown
  public void free() {
    arena.close();
  }

  /** All sums of all streams. */
  @Benchmark
  public Binding[] multiply() {
    if (streams == 1) {
      pack.multiply(all, 0, all.count(), bindings[0], scratch);
    } else {
      batch.clear();
      for (Binding stream : bindings) {
        batch.add(all, stream);
      }
      pack.multiply(batch);
    }
    return bindings;
  }

  /** One stream's sums over its state, for the test of this scenario. */
  MemorySegment sumsOverState(int stream) {
    return Objects.requireNonNull(bindings[stream].sums(1));
  }
}
