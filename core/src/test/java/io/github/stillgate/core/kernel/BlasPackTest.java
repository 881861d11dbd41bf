package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.github.stillgate.core.kernel.reference.ReferenceBackend;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whole dense products of a batch go to the BLAS, here one of plain float64 loops. */
class BlasPackTest {
  /** What a BLAS multiplies. */
  private static final List<WeightFormat> FLOATS = List.of(WeightFormat.F32, WeightFormat.BF16);

  private static final int UNITS = 37;
  private static final int GROUP_UNITS = 5;
  private static final int GROUPS = 8;
  private static final int[] WIDTHS = {33, 20};
  private static final int[] KINDS = {2, 3};
  private static final int STRIDE = 64;

  private final Arena arena = Arena.ofConfined();
  private final Random random = new Random(5);
  private final Blas blas = new Blas();
  private final float[][][] weights = new float[5][UNITS][];
  private final BitSet present = new BitSet();

  /** Row-major loops in float64; counts its calls. */
  private static final class Blas implements DenseProducts {
    private int calls;

    @Override
    public Availability availability() {
      return Availability.usable("loops");
    }

    @Override
    public void multiply(
        int vectors, int rows, int width, MemorySegment a, MemorySegment b, MemorySegment c) {
      calls++;
      for (int v = 0; v < vectors; v++) {
        for (int row = 0; row < rows; row++) {
          double sum = 0;
          for (int i = 0; i < width; i++) {
            double weight = b.getAtIndex(JAVA_FLOAT, (long) row * width + i);
            sum += weight * a.getAtIndex(JAVA_FLOAT, (long) v * width + i);
          }
          c.setAtIndex(JAVA_FLOAT, (long) v * rows + row, (float) sum);
        }
      }
    }
  }

  BlasPackTest() {
    present.set(0, UNITS);
    present.clear(7);
    present.clear(20, 25);
    for (int kind = 0; kind < weights.length; kind++) {
      for (int unit = 0; unit < UNITS; unit++) {
        weights[kind][unit] = gaussian(WIDTHS[kind < KINDS[0] ? 0 : 1]);
      }
    }
  }

  @AfterEach
  void close() {
    arena.close();
  }

  private float[] gaussian(int length) {
    float[] values = new float[length];
    for (int i = 0; i < length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  private BlasPack pack(SumOrder order, WeightFormat format) {
    List<RowGroups.Rows> kinds = new ArrayList<>();
    for (int kind = 0; kind < weights.length; kind++) {
      float[][] matrix = weights[kind];
      RowSource source =
          new RowSource() {
            @Override
            public int rows() {
              return UNITS;
            }

            @Override
            public int columns() {
              return matrix[0].length;
            }

            @Override
            public void copyRow(int row, float[] to) {
              System.arraycopy(matrix[row], 0, to, 0, to.length);
            }
          };
      kinds.add(
          new RowGroups.Rows(kind < KINDS[0] ? 0 : 1, source, kind % 2 == 1 ? present : null));
    }
    RowGroups rows = new RowGroups(UNITS, GROUP_UNITS, kinds, OptionalInt.empty());
    Pack own = new ReferenceBackend().pack(rows, order, format, arena);
    return new BlasPack(own, blas, arena);
  }

  private Product stream(Pack pack) {
    Operand[] operands = {new Operand(WIDTHS[0], arena), new Operand(WIDTHS[1], arena)};
    for (Operand operand : operands) {
      float[] values = gaussian(operand.width());
      MemorySegment.copy(values, 0, operand.floats(), JAVA_FLOAT, 0, values.length);
    }
    return new Product(pack, arena, 1, operands);
  }

  private List<Product> streams(int count, Pack pack, Batch batch, ActiveSet set) {
    List<Product> streams = new ArrayList<>();
    for (int s = 0; s < count; s++) {
      streams.add(stream(pack));
      batch.add(set, streams.get(s).binding());
    }
    return streams;
  }

  private ActiveSet all() {
    return ActiveSet.all(GROUPS, arena);
  }

  /** Each sum is within the documented bound of the exact one, and a missing row's is +0. */
  private void assertWithinBound(Product stream, WeightFormat format, int operand) {
    int width = WIDTHS[operand];
    MemorySegment vector = stream.operand(operand).floats();
    for (int kind = 0; kind < KINDS[operand]; kind++) {
      int number = operand * KINDS[0] + kind;
      for (int unit = 0; unit < UNITS; unit++) {
        float found = stream.sums(operand).getAtIndex(JAVA_FLOAT, kind * STRIDE + unit);
        if (number % 2 == 1 && !present.get(unit)) {
          assertThat(Float.floatToRawIntBits(found)).isZero();
          continue;
        }
        float[] row = weights[number][unit].clone();
        format.round(row);
        double sum = 0;
        double magnitudes = 0;
        for (int i = 0; i < width; i++) {
          double product = (double) row[i] * vector.getAtIndex(JAVA_FLOAT, i);
          sum += product;
          magnitudes += Math.abs(product);
        }
        double bound = (width + 1) * 0x1p-24 * magnitudes;
        assertThat((double) found).as("kind %d unit %d", kind, unit).isCloseTo(sum, within(bound));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      names = {"TILES", "ROWS"},
      mode = EnumSource.Mode.EXCLUDE)
  void wholeProductsOfSeveralStreamsAreTheBlas(SumOrder order) {
    for (WeightFormat format : FLOATS) {
      BlasPack pack = pack(order, format);
      Batch batch = new Batch(4, pack, arena);
      List<Product> streams = streams(3, pack, batch, all());
      blas.calls = 0;
      pack.multiply(batch);
      assertThat(blas.calls).as("one for each operand").isEqualTo(2);
      for (Product stream : streams) {
        assertWithinBound(stream, format, 0);
        assertWithinBound(stream, format, 1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      names = {"TILES", "ROWS"},
      mode = EnumSource.Mode.EXCLUDE)
  void everythingElseHasTheBitsOfThePackBelow(SumOrder order) {
    BlasPack pack = pack(order, WeightFormat.F32);
    Batch one = new Batch(4, pack, arena);
    List<Product> single = streams(1, pack, one, all());
    pack.multiply(one);
    assertOwnBits(pack, single.get(0), all());

    Batch part = new Batch(4, pack, arena);
    List<Product> several = streams(3, pack, part, all());
    pack.prepare(part);
    pack.multiply(part, 0, GROUPS / 2, part.scratch());
    pack.multiply(part, GROUPS / 2, GROUPS, part.scratch());
    several.forEach(stream -> assertOwnBits(pack, stream, all()));

    Batch some = new Batch(4, pack, arena);
    ActiveSet set = new ActiveSet(GROUPS, arena);
    set.set(0, 1, 2, 3, 4, 6, 7);
    List<Product> sparse = streams(2, pack, some, set);
    pack.multiply(some);
    sparse.forEach(stream -> assertOwnBits(pack, stream, set));
    assertThat(blas.calls).isZero();
  }

  private void assertOwnBits(BlasPack pack, Product found, ActiveSet set) {
    Product expected = new Product(pack, arena, 1, found.operand(0), found.operand(1));
    expected.multiply(set);
    for (int operand = 0; operand < 2; operand++) {
      assertThat(found.sums(operand).mismatch(expected.sums(operand))).isEqualTo(-1);
    }
  }

  @Test
  void anOperandThatIsLeftOutIsNotMultiplied() {
    BlasPack pack = pack(SumOrder.CHAIN, WeightFormat.F32);
    MemorySegment made = Lanes.floats(KINDS[0] * STRIDE, arena).fill((byte) 1);
    Batch batch = new Batch(2, pack, arena);
    List<Product> streams = List.of(stream(pack), stream(pack));
    for (Product stream : streams) {
      stream.take(0, made);
      batch.add(all(), stream.binding());
    }
    pack.multiply(batch);
    assertThat(blas.calls).isEqualTo(1);
    for (Product stream : streams) {
      assertWithinBound(stream, WeightFormat.F32, 1);
    }
    for (long i = 0; i < made.byteSize(); i++) {
      assertThat(made.get(JAVA_BYTE, i)).isEqualTo((byte) 1);
    }
  }

  /** A full batch writes within its scratch: a slice that is too short would be refused. */
  @Test
  void aBatchHasScratchForAllItsStreams() {
    BlasPack pack = pack(SumOrder.INTERLEAVED, WeightFormat.F32);
    for (int capacity : new int[] {2, 3, 17, 32}) {
      Batch batch = new Batch(capacity, pack, arena);
      // Vectors, padded, and after them the products.
      int vectors = (capacity * WIDTHS[1] + 31) / 32 * 32;
      long least = 4L * (vectors + capacity * KINDS[1] * STRIDE);
      assertThat(batch.scratch().byteSize()).isGreaterThanOrEqualTo(least);
      List<Product> streams = streams(capacity, pack, batch, all());
      pack.multiply(batch);
      assertWithinBound(streams.getLast(), WeightFormat.F32, 0);
      assertWithinBound(streams.getLast(), WeightFormat.F32, 1);
    }
    assertThat(blas.calls).isEqualTo(8);
  }
}
