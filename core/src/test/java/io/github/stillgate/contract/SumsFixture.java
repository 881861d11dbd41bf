package io.github.stillgate.contract;

import io.github.stillgate.contract.SampleRows.Shape;
import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.kernel.RowGroups;
import io.github.stillgate.core.kernel.SumOrder;
import io.github.stillgate.core.kernel.WeightFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/**
 * What the tests of sums stand on: shapes, packs in guarded memory, and one stream with stale sums.
 */
abstract class SumsFixture {
  /** Formats whose sums depend on their order; those of int8 have a contract of their own. */
  static final List<WeightFormat> FLOATS = List.of(WeightFormat.F32, WeightFormat.BF16);

  /** What sums hold before a multiplication, so that it shows which were written. */
  static final float STALE = 4321.5f;

  static final IntPredicate ALL = _ -> true;

  final Backend backend;
  final SumOrder order;
  Arena arena;
  GuardedMemory memory;

  SumsFixture(Backend backend, SumOrder order) {
    this.backend = backend;
    this.order = order;
  }

  /** The sum of a row, in the order of summation under test. */
  abstract float sum(float[] row, float[] vector);

  @BeforeEach
  void open() {
    RequiredBackend.check(backend);
    arena = Arena.ofShared();
    memory = new GuardedMemory(arena);
  }

  @AfterEach
  void close() {
    if (arena != null) {
      memory.assertIntact();
      arena.close();
    }
  }

  /** Groups of 1, 5, 32, 64 and all units; full and shorter last groups; 1 to 3 operands. */
  static Stream<Shape> shapes() {
    return Stream.of(
        new Shape(1, 1, List.of(1), List.of(1), false),
        new Shape(5, 1, List.of(7, 33), List.of(2, 1), false),
        new Shape(37, 1, List.of(65, 27), List.of(3, 2), true),
        new Shape(13, 1, List.of(130), List.of(4), false),
        new Shape(6, 1, List.of(1030, 31), List.of(3, 2), false),
        new Shape(130, 1, List.of(1, 100, 5), List.of(1, 2, 1), true),
        new Shape(37, 5, List.of(31, 32, 33), List.of(1, 2, 1), true),
        new Shape(40, 5, List.of(64), List.of(2), false),
        new Shape(70, 32, List.of(9, 100), List.of(2, 2), true),
        new Shape(96, 32, List.of(27), List.of(3), false),
        new Shape(130, 64, List.of(45, 3), List.of(1, 3), true),
        new Shape(128, 64, List.of(33), List.of(2), false),
        new Shape(45, 45, List.of(70, 16), List.of(3, 3), false),
        new Shape(100, 100, List.of(66), List.of(1), true),
        new Shape(27, 64, List.of(40), List.of(2), true));
  }

  Product product(Shape shape, Pack pack, SplittableRandom random) {
    Operand[] operands = new Operand[shape.operands()];
    for (int operand = 0; operand < operands.length; operand++) {
      operands[operand] = new Operand(shape.widths().get(operand), memory);
      Bits.put(operands[operand].floats(), SampleRows.vector(operands[operand].width(), random));
    }
    return new Product(pack, memory, 1, operands);
  }

  static void assertSameSums(Product left, Product right, Shape shape, String what) {
    for (int operand = 0; operand < shape.operands(); operand++) {
      float[] expected = Bits.floats(right.sums(operand), shape.sumFloats(operand));
      // The padding of a kind's sums means nothing.
      for (int kind = 0; kind < shape.kinds().get(operand); kind++) {
        long from = 4L * kind * Lanes.padded(shape.units());
        int at = kind * Lanes.padded(shape.units());
        Bits.assertEqual(
            left.sums(operand).asSlice(from, 4L * shape.units()),
            Arrays.copyOfRange(expected, at, at + shape.units()),
            "%s operand %d kind %d",
            what,
            operand,
            kind);
      }
    }
  }

  Pack pack(RowGroups rows, WeightFormat format) {
    return backend.pack(rows, order, format, arena);
  }

  MemorySegment scratch() {
    MemorySegment scratch = Lanes.floats(Pack.SCRATCH_FLOATS, memory);
    Bits.fill(scratch, Float.NaN);
    return scratch;
  }

  /** All groups, every second, every third from the second, none, and any. */
  List<ActiveSet> sets(int groups, SplittableRandom random) {
    return List.of(
        all(groups),
        set(groups, group -> group % 2 == 0),
        set(groups, group -> group % 3 == 1),
        set(groups, _ -> false),
        any(groups, random));
  }

  ActiveSet all(int groups) {
    return set(groups, ALL);
  }

  ActiveSet any(int groups, SplittableRandom random) {
    double share = random.nextDouble();
    return set(groups, _ -> random.nextDouble() < share);
  }

  ActiveSet set(int groups, IntPredicate live) {
    ActiveSet set = new ActiveSet(groups, memory);
    set.set(IntStream.range(0, groups).filter(live).toArray());
    return set;
  }

  static IntPredicate live(ActiveSet set, int from, int to) {
    int[] groups = IntStream.range(from, to).map(set::at).toArray();
    return group -> Arrays.binarySearch(groups, group) >= 0;
  }

  /** To nearest, ties to even, in double precision: how bfloat16 is defined. */
  static float toBf16(float weight) {
    if (weight == 0) {
      return weight;
    }
    double unit = Math.scalb(1.0, Math.max(Math.getExponent(weight), -126) - 7);
    double rounded = Math.rint(weight / unit) * unit;
    return Math.copySign((float) rounded, weight);
  }

  /** One stream with vectors of its own, stale sums and poisoned scratch. */
  final class Case {
    private final SampleRows rows;
    private final WeightFormat format;
    private final Pack pack;
    private final float[][] vectors;
    private final MemorySegment[] inputs;
    private final MemorySegment[] sums;
    final Binding binding;
    private int leftOut = -1;

    Case(SampleRows rows, Pack pack, SplittableRandom random) {
      this.rows = rows;
      this.pack = pack;
      this.format = pack.layout().format();
      int operands = rows.shape().operands();
      this.vectors = new float[operands][];
      this.inputs = new MemorySegment[operands];
      this.sums = new MemorySegment[operands];
      this.binding = new Binding(operands, memory);
      for (int operand = 0; operand < operands; operand++) {
        vectors[operand] = SampleRows.vector(rows.shape().widths().get(operand), random);
        inputs[operand] = Lanes.floats(vectors[operand].length, memory);
        Bits.put(inputs[operand], vectors[operand]);
        sums[operand] = Lanes.floats(rows.shape().sumFloats(operand), memory);
        Bits.fill(sums[operand], STALE);
        binding.put(operand, inputs[operand], sums[operand]);
      }
    }

    /** Leaves out an operand, if there is one of that number. */
    void leaveOut(int operand) {
      leftOut = operand;
      if (operand >= 0) {
        binding.leaveOut(operand);
      }
    }

    MemorySegment sums(int operand) {
      return sums[operand];
    }

    void multiply(ActiveSet set, int from, int to) {
      pack.multiply(set, from, to, binding, scratch());
    }

    /**
     * The sums of the groups that {@code live} accepts are right, nothing else was written, and the
     * vectors are as they were.
     */
    void assertSums(IntPredicate live, String what, Object... details) {
      Shape shape = rows.shape();
      int stride = Lanes.padded(shape.units());
      for (int operand = 0; operand < shape.operands(); operand++) {
        float[] expected = new float[shape.sumFloats(operand)];
        Arrays.fill(expected, STALE);
        for (int kind = 0; kind < shape.kinds().get(operand) && operand != leftOut; kind++) {
          for (int unit = 0; unit < shape.units(); unit++) {
            if (live.test(unit / shape.groupUnits()) && rows.has(operand, kind, unit)) {
              expected[kind * stride + unit] = sumOf(rows.row(operand, kind, unit), operand);
            }
          }
        }
        String where = what.formatted(details);
        Bits.assertEqual(sums[operand], expected, "%s sums over %d, %s", format, operand, where);
        float[] vector = Arrays.copyOf(vectors[operand], Lanes.padded(vectors[operand].length));
        Bits.assertEqual(inputs[operand], vector, "%s vector %d, %s", format, operand, where);
      }
    }

    private float sumOf(float[] row, int operand) {
      float[] stored = row.clone();
      for (int i = 0; i < stored.length && format == WeightFormat.BF16; i++) {
        stored[i] = toBf16(stored[i]);
      }
      return sum(stored, vectors[operand]);
    }
  }
}
