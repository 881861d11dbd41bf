package io.github.stillgate.bench;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.BackendRegistry;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.RowGroups;
import io.github.stillgate.core.kernel.SumOrder;
import io.github.stillgate.core.kernel.WeightFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
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
 * Conditional GEMV over the recurrent rows of n units, two rows of n weights each, as a conditional
 * GRU has them. Live fraction 1 is the dense GEMV. The live set changes with every call. In the
 * order {@link SumOrder#INTERLEAVED} single units are live, in the order {@link SumOrder#CHAIN}
 * blocks of {@link #BLOCK_UNITS}.
 *
 * <p>Bound: {@code live * 4 n^2} bytes of bf16 weights, twice as many of float32 ({@link #bytes}).
 * Other orders and formats than the first are asked for by name: {@code -p order=CHAIN -p
 * weights=F32,BF16}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class GemvBenchmark {
  /** Units of a block: one panel of each kind. */
  static final int BLOCK_UNITS = Lanes.COUNT;

  /** Enough sets that the branch predictor and the cache see no pattern. */
  private static final int SETS = 64;

  /** Units n. */
  @Param({"128", "256", "512", "1024"})
  public int n;

  /** Share of the units that are live. */
  @Param({"1", "0.5", "0.25", "0.125", "0.06"})
  public double live;

  /** Backend by name. */
  @Param({"reference", "vector", "native"})
  public String backend;

  /** Order of summation, and with it what is live together. */
  @Param({"INTERLEAVED"})
  public SumOrder order;

  /** How weights are stored. */
  @Param({"F32"})
  public WeightFormat weights;

  private Arena arena;
  private Pack pack;
  private Binding stream;
  private MemorySegment sums;
  private MemorySegment scratch;
  private ActiveSet[] sets;
  private int next;

  /** For JMH. */
  public GemvBenchmark() {}

  /** Packs random rows. */
  @Setup
  public void pack() {
    arena = Arena.ofShared();
    SplittableRandom random = new SplittableRandom(1);
    List<RowGroups.Rows> kinds =
        List.of(
            new RowGroups.Rows(0, DenseRows.random(n, n, random)),
            new RowGroups.Rows(0, DenseRows.random(n, n, random)));
    RowGroups rows = new RowGroups(n, groupUnits(order), kinds, OptionalInt.empty());
    pack = BackendRegistry.require(backend).pack(rows, order, weights, arena);
    MemorySegment h = Lanes.floats(n, arena);
    MemorySegment.copy(DenseRows.randomValues(n, random), 0, h, JAVA_FLOAT, 0, n);
    sums = Lanes.floats(pack.layout().part(0).sumFloats(), arena);
    stream = new Binding(1, arena);
    stream.put(0, h, sums);
    scratch = Lanes.floats(Pack.SCRATCH_FLOATS, arena);
    sets = new ActiveSet[SETS];
    for (int i = 0; i < SETS; i++) {
      sets[i] = set(random);
    }
  }

  /** Exactly {@link #liveGroups}, drawn without replacement. */
  private ActiveSet set(SplittableRandom random) {
    int groups = pack.layout().groups();
    int wanted = liveGroups(n, live, order);
    int[] chosen = new int[wanted];
    int count = 0;
    for (int group = 0; group < groups; group++) {
      if (random.nextInt(groups - group) < wanted - count) {
        chosen[count++] = group;
      }
    }
    ActiveSet set = new ActiveSet(groups, arena);
    set.set(chosen);
    return set;
  }

  private static int groupUnits(SumOrder order) {
    return order == SumOrder.CHAIN ? BLOCK_UNITS : 1;
  }

  /** Groups that are live in a call; at least one. */
  static int liveGroups(int n, double live, SumOrder order) {
    return (int) Math.max(1, Math.round(live * n / groupUnits(order)));
  }

  /** Weight bytes that a call must read. */
  static double bytes(int n, double live, SumOrder order, WeightFormat weights) {
    return 2.0 * weights.bytes() * n * groupUnits(order) * liveGroups(n, live, order);
  }

  /** Frees the pack. */
  @TearDown
  public void free() {
    arena.close();
  }

  /** One multiplication. */
  @Benchmark
  public MemorySegment multiply() {
    ActiveSet set = sets[next++ & (SETS - 1)];
    pack.multiply(set, 0, set.count(), stream, scratch);
    return sums;
  }
}
