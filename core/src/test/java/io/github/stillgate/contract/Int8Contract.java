package io.github.stillgate.contract;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.Movement;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackLayout;
import io.github.stillgate.core.kernel.Product;
import io.github.stillgate.core.kernel.RowGroups;
import io.github.stillgate.core.kernel.SumOrder;
import io.github.stillgate.core.kernel.WeightFormat;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * What products over int8 promise, whatever backend is below them: the bits of the formula in
 * {@link io.github.stillgate.core.kernel.Int8}, which is written out here once more, whether all
 * columns are multiplied or only those of what moved.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class Int8Contract {
  private final Backend backend;

  /** The contract of {@code backend}. */
  protected Int8Contract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  /** A layer of random shape with its rows: {@code rows[operand][kind][unit]}. */
  private record Sample(
      int units, int[] widths, double[] reach, float[] scales, float[][][][] rows) {
    static Sample of(SplittableRandom random) {
      int operands = 1 + random.nextInt(3);
      int units = 1 + random.nextInt(random.nextInt(4) == 0 ? 300 : 70);
      int[] widths = new int[operands];
      double[] reach = new double[operands];
      float[] scales = new float[operands];
      float[][][][] rows = new float[operands][][][];
      for (int operand = 0; operand < operands; operand++) {
        widths[operand] = 1 + random.nextInt(random.nextInt(4) == 0 ? 400 : 70);
        reach[operand] = random.nextBoolean() ? 1 : Double.POSITIVE_INFINITY;
        // Those found on data are for values up to 5 to 250; the values go to 50.
        scales[operand] = random.nextBoolean() ? 0 : (float) random.nextDouble(0.04, 2);
        rows[operand] = new float[1 + random.nextInt(4)][units][widths[operand]];
        for (float[][] kind : rows[operand]) {
          for (float[] row : kind) {
            double size = random.nextInt(5) == 0 ? 0 : Math.exp(random.nextDouble(-9, 5));
            for (int i = 0; i < row.length; i++) {
              row[i] = (float) random.nextDouble(-size, size + 1e-9);
            }
          }
        }
      }
      return new Sample(units, widths, reach, scales, rows);
    }

    Pack pack(Backend backend, Arena arena) {
      return pack(backend, arena, Movement.EXACT);
    }

    Pack pack(Backend backend, Arena arena, Movement movement) {
      return pack(backend, arena, SumOrder.TILES, PackLayout.TILE_UNITS, movement);
    }

    Pack rows(Backend backend, Arena arena, int groupUnits) {
      return pack(backend, arena, SumOrder.ROWS, groupUnits, Movement.EXACT);
    }

    private Pack pack(
        Backend backend, Arena arena, SumOrder order, int groupUnits, Movement movement) {
      List<RowGroups.Rows> kinds = new ArrayList<>();
      for (int operand = 0; operand < rows.length; operand++) {
        for (float[][] kind : rows[operand]) {
          kinds.add(new RowGroups.Rows(operand, SampleRows.source(kind)));
        }
      }
      RowGroups groups =
          new RowGroups(
              units,
              groupUnits,
              kinds,
              OptionalInt.empty(),
              Arrays.stream(reach).boxed().toList(),
              IntStream.range(0, scales.length).mapToObj(operand -> scales[operand]).toList(),
              movement);
      return backend.pack(groups, order, WeightFormat.I8, arena);
    }

    float expected(int operand, int kind, int unit, float[] x) {
      float operandScale = isFixed(operand) ? fixedScale(operand) : scale(x);
      float[] row = rows[operand][kind][unit];
      float rowScale = scale(row);
      long sum = 0;
      for (int i = 0; i < row.length; i++) {
        sum += (long) quantized(row[i], rowScale) * quantized(x[i], operandScale);
      }
      return (float) sum * (rowScale * operandScale);
    }

    boolean isFixed(int operand) {
      return reach[operand] == 1 || scales[operand] != 0;
    }

    private float fixedScale(int operand) {
      return reach[operand] == 1 ? 1f / 127 : scales[operand];
    }

    private int beyond(int operand, float[] x) {
      int beyond = 0;
      for (float value : x) {
        float ratio = value * (1 / fixedScale(operand));
        beyond += isFixed(operand) && Math.abs(Math.rint((double) ratio)) > 127 ? 1 : 0;
      }
      return beyond;
    }

    private static float scale(float[] values) {
      float largest = 0;
      for (float value : values) {
        largest = Math.abs(value) > largest ? Math.abs(value) : largest;
      }
      return largest < 1e-30f ? 1 : largest / 127;
    }

    private static int quantized(float value, float scale) {
      double nearest = Math.rint((double) (value * (1 / scale)));
      return (int) Math.min(127, Math.max(-127, nearest));
    }

    void check(Product product, float[][] x) {
      int stride = product.pack().layout().sumStride();
      int beyond = 0;
      for (int operand = 0; operand < rows.length; operand++) {
        MemorySegment sums = product.sums(operand);
        int beyondIt = beyond(operand, x[operand]);
        beyond += beyondIt;
        assertThat(product.clampedValues(operand, product.operand(operand).floats()))
            .as("clamped of operand %d", operand)
            .isEqualTo(beyondIt);
        for (int kind = 0; kind < rows[operand].length; kind++) {
          for (int unit = 0; unit < units; unit++) {
            int found = sums.getAtIndex(JAVA_INT, (long) kind * stride + unit);
            float expected = expected(operand, kind, unit, x[operand]);
            assertThat(found)
                .as("operand %d, kind %d, unit %d: %s", operand, kind, unit, expected)
                .isEqualTo(Float.floatToRawIntBits(expected));
          }
        }
      }
      assertThat(product.clampedValues()).as("clamped").isEqualTo(beyond);
    }
  }

  /** Values that stay, move a little, or jump; some of them at once, all of them, or none. */
  private static void move(
      SplittableRandom random, Sample sample, Operand[] operands, float[][] x) {
    double share = random.nextInt(4) == 0 ? random.nextInt(2) : random.nextDouble();
    for (int operand = 0; operand < x.length; operand++) {
      for (int i = 0; i < x[operand].length; i++) {
        if (random.nextDouble() < share) {
          double by = random.nextBoolean() ? 2 : 0.01;
          double value =
              by == 2 ? random.nextDouble(-1, 1) : x[operand][i] + random.nextDouble(-by, by);
          double most = sample.reach[operand] == 1 ? 1 : 50;
          x[operand][i] = (float) Math.clamp(by == 2 ? value * most : value, -most, most);
        }
        operands[operand].floats().setAtIndex(JAVA_FLOAT, i, x[operand][i]);
      }
    }
  }

  @Test
  void sumsHaveTheBitsOfTheFormulaFromStepToStep() {
    FuzzRun run = FuzzRun.begin("int8 sums " + backend.name(), 60);
    while (run.next()) {
      SplittableRandom random = run.random();
      Sample sample = Sample.of(random);
      try (Arena arena = Arena.ofShared()) {
        Pack pack = sample.pack(backend, arena);
        Operand[] operands = operands(sample, arena);
        Product product = new Product(pack, arena, 2, operands);
        ActiveSet all = ActiveSet.all(pack.layout().groups(), arena);
        float[][] x = zeros(sample);
        for (int step = 0; step < 12; step++) {
          move(random, sample, operands, x);
          product.prepare();
          // Two parts, as two threads have them.
          int cut = random.nextInt(all.count() + 1);
          product.multiply(all, cut, all.count(), 1);
          product.multiply(all, 0, cut, 0);
          sample.check(product, x);
        }
      } catch (AssertionError e) {
        throw new AssertionError(run + ": " + e.getMessage(), e);
      }
    }
  }

  @Test
  void streamsOfABatchHaveTheSame() {
    FuzzRun run = FuzzRun.begin("int8 batches " + backend.name(), 20);
    while (run.next()) {
      SplittableRandom random = run.random();
      Sample sample = Sample.of(random);
      try (Arena arena = Arena.ofShared()) {
        Pack pack = sample.pack(backend, arena);
        int streams = 1 + random.nextInt(5);
        Batch batch = new Batch(streams, pack, arena);
        ActiveSet all = ActiveSet.all(pack.layout().groups(), arena);
        Operand[][] operands = new Operand[streams][];
        Product[] products = new Product[streams];
        float[][][] x = new float[streams][][];
        for (int stream = 0; stream < streams; stream++) {
          operands[stream] = operands(sample, arena);
          products[stream] = new Product(pack, arena, 1, operands[stream]);
          x[stream] = zeros(sample);
        }
        for (int step = 0; step < 6; step++) {
          batch.clear();
          for (int stream = 0; stream < streams; stream++) {
            move(random, sample, operands[stream], x[stream]);
            products[stream].prepare();
            batch.add(all, products[stream].binding());
          }
          pack.multiply(batch);
          for (int stream = 0; stream < streams; stream++) {
            sample.check(products[stream], x[stream]);
          }
        }
      }
    }
  }

  /** Rows that are skipped: those of some groups have the bits, the others are not written. */
  @Test
  void rowsOfSomeGroupsHaveTheBitsOfTheFormula() {
    FuzzRun run = FuzzRun.begin("int8 rows " + backend.name(), 60);
    while (run.next()) {
      SplittableRandom random = run.random();
      Sample sample = Sample.of(random);
      int groupUnits = random.nextBoolean() ? 1 : 1 + random.nextInt(20);
      try (Arena arena = Arena.ofShared()) {
        Pack pack = sample.rows(backend, arena, groupUnits);
        Operand[] operands = operands(sample, arena);
        Product product = new Product(pack, arena, 1, operands);
        int groups = pack.layout().groups();
        ActiveSet live = new ActiveSet(groups, arena);
        float[][] x = zeros(sample);
        float[][][] expected = new float[x.length][][];
        for (int operand = 0; operand < x.length; operand++) {
          expected[operand] = new float[sample.rows[operand].length][sample.units];
        }
        for (int step = 0; step < 6; step++) {
          move(random, sample, operands, x);
          live.set(IntStream.range(0, groups).filter(_ -> random.nextBoolean()).toArray());
          product.multiply(live);
          for (int operand = 0; operand < x.length; operand++) {
            for (int kind = 0; kind < expected[operand].length; kind++) {
              for (int i = 0; i < live.count(); i++) {
                int first = live.at(i) * groupUnits;
                int behind = Math.min(first + groupUnits, sample.units);
                for (int unit = first; unit < behind; unit++) {
                  expected[operand][kind][unit] = sample.expected(operand, kind, unit, x[operand]);
                }
              }
              for (int unit = 0; unit < sample.units; unit++) {
                int at = kind * pack.layout().sumStride() + unit;
                assertThat(product.sums(operand).getAtIndex(JAVA_INT, at))
                    .as("operand %d, kind %d, unit %d", operand, kind, unit)
                    .isEqualTo(Float.floatToRawIntBits(expected[operand][kind][unit]));
              }
            }
          }
        }
      } catch (AssertionError e) {
        throw new AssertionError(run + ": " + e.getMessage(), e);
      }
    }
  }

  /** What moved, and the bytes that are read for it. */
  @Test
  void onlyColumnsThatMovedAreRead() {
    Sample sample = Sample.of(new SplittableRandom(3));
    sample.reach[0] = 1;
    try (Arena arena = Arena.ofShared()) {
      Pack pack = sample.pack(backend, arena);
      Operand[] operands = operands(sample, arena);
      Product product = new Product(pack, arena, 1, operands);
      ActiveSet all = ActiveSet.all(pack.layout().groups(), arena);
      product.multiply(all);
      long still = product.bytes(all);
      operands[0].floats().setAtIndex(JAVA_FLOAT, sample.widths[0] - 1, 0.5f);
      product.multiply(all);
      assertThat(product.binding().keptSums(0).moved().count()).isEqualTo(1);
      assertThat(product.bytes(all) - still).isEqualTo((long) sample.rows[0].length * sample.units);
      // Below half of 1/127: the same integer.
      operands[0].floats().setAtIndex(JAVA_FLOAT, sample.widths[0] - 1, 0.5f + 0.2f / 127);
      product.multiply(all);
      assertThat(product.bytes(all)).isEqualTo(still);
    }
  }

  private static Operand[] operands(Sample sample, Arena arena) {
    Operand[] operands = new Operand[sample.widths.length];
    Arrays.setAll(operands, operand -> new Operand(sample.widths[operand], arena));
    return operands;
  }

  private static float[][] zeros(Sample sample) {
    float[][] x = new float[sample.widths.length][];
    Arrays.setAll(x, operand -> new float[sample.widths[operand]]);
    return x;
  }

  /**
   * The rule of {@link Movement} in plain words: the largest changes first, of equal ones the
   * first.
   */
  private static int sendPlainly(Movement movement, float[] x, int[] sent) {
    int beyond = 0;
    int left = movement.most();
    for (int magnitude = 254; magnitude > movement.threshold(); magnitude--) {
      for (int i = 0; i < x.length; i++) {
        if (Math.abs(Sample.quantized(x[i], 1f / 127) - sent[i]) == magnitude) {
          beyond++;
          if (left-- > 0) {
            sent[i] = Sample.quantized(x[i], 1f / 127);
          }
        }
      }
    }
    return Math.max(0, beyond - movement.most());
  }

  @Test
  void whatIsSentFollowsTheRuleOfMovement() {
    FuzzRun run = FuzzRun.begin("int8 movement " + backend.name(), 60);
    while (run.next()) {
      SplittableRandom random = run.random();
      Sample sample = Sample.of(random);
      Arrays.fill(sample.reach, 1);
      int threshold = random.nextInt(4) == 0 ? 0 : random.nextInt(60);
      int most = random.nextBoolean() ? Integer.MAX_VALUE : 1 + random.nextInt(40);
      Movement movement = new Movement(threshold, most);
      try (Arena arena = Arena.ofShared()) {
        Pack pack = sample.pack(backend, arena, movement);
        Operand[] operands = operands(sample, arena);
        Product product = new Product(pack, arena, 1, operands);
        ActiveSet all = ActiveSet.all(pack.layout().groups(), arena);
        float[][] x = zeros(sample);
        int[][] sent = new int[x.length][];
        Arrays.setAll(sent, operand -> new int[x[operand].length]);
        for (int step = 0; step < 12; step++) {
          move(random, sample, operands, x);
          product.multiply(all);
          float[][] multiplied = zeros(sample);
          int heldBack = 0;
          for (int operand = 0; operand < x.length; operand++) {
            heldBack += sendPlainly(movement, x[operand], sent[operand]);
            for (int i = 0; i < x[operand].length; i++) {
              multiplied[operand][i] = sent[operand][i] / 127f;
            }
          }
          sample.check(product, multiplied);
          assertThat(product.valuesHeldBack()).as("%s, step %d", run, step).isEqualTo(heldBack);
        }
      } catch (AssertionError e) {
        throw new AssertionError(run + ": " + e.getMessage(), e);
      }
    }
  }
}
