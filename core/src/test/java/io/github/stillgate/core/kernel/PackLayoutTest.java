package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PackLayoutTest {
  /** Ten units in groups of four; unit 5 lacks a row of kind 1. Operands of 33 and 3 columns. */
  private static final int UNITS = 10;

  private final Arena arena = Arena.ofConfined();

  @AfterEach
  void close() {
    arena.close();
  }

  private static RowGroups rows() {
    BitSet present = new BitSet();
    present.set(0, UNITS);
    present.clear(5);
    return new RowGroups(
        UNITS,
        4,
        List.of(
            new RowGroups.Rows(0, new NumberedRows(UNITS, 33, 0)),
            new RowGroups.Rows(0, new NumberedRows(UNITS, 33, 100), present),
            new RowGroups.Rows(1, new NumberedRows(UNITS, 3, 200))),
        OptionalInt.of(1));
  }

  private PackLayout layout(SumOrder order, WeightFormat format) {
    return new PackLayout(rows(), order, format, arena);
  }

  @Test
  void countsGroupsRowsAndSums() {
    PackLayout layout = layout(SumOrder.INTERLEAVED, WeightFormat.F32);
    assertThat(layout.units()).isEqualTo(10);
    assertThat(layout.groupUnits()).isEqualTo(4);
    assertThat(layout.groups()).isEqualTo(3);
    assertThat(layout.operands()).isEqualTo(2);
    assertThat(layout.sumStride()).isEqualTo(32);
    PackLayout.Part part = layout.part(0);
    assertThat(part.kinds()).isEqualTo(2);
    assertThat(part.columns()).isEqualTo(33);
    assertThat(part.sumFloats()).isEqualTo(64);
    assertThat(List.of(part.rows(0), part.rows(1), part.rows(2))).containsExactly(8, 7, 4);
    assertThat(List.of(part.firstRow(0), part.firstRow(1), part.firstRow(2), part.firstRow(3)))
        .containsExactly(0, 8, 15, 19);
    assertThat(part.rows()).isEqualTo(19);
    assertThat(layout.part(1).rows()).isEqualTo(10);
    // Group 1: units 4 to 7 of kind 0, then 4, 6, 7 of kind 1.
    List<Integer> sums = new ArrayList<>();
    for (int row = 8; row < 15; row++) {
      sums.add(part.sumAt(row));
    }
    assertThat(sums).containsExactly(4, 5, 6, 7, 32 + 4, 32 + 6, 32 + 7);
  }

  @Test
  void rowsThatAreSummedOneByOneArePadded() {
    PackLayout layout = layout(SumOrder.INTERLEAVED, WeightFormat.F32);
    assertThat(layout.part(0).stride()).isEqualTo(64);
    assertThat(layout.part(1).stride()).isEqualTo(32);
    assertThat(layout.part(0).at(0)).isZero();
    assertThat(layout.part(1).at(0)).isEqualTo(8 * 64);
    assertThat(layout.part(0).at(1)).isEqualTo(8 * 64 + 4 * 32);
    assertThat(layout.part(1).at(1)).isEqualTo(8 * 64 + 4 * 32 + 7 * 64);
    assertThat(layout.part(0).at(1, 2, 5)).isEqualTo(8 * 64 + 4 * 32 + 2 * 64 + 5);
    assertThat(layout.elements()).isEqualTo(19 * 64 + 10 * 32);
    assertThat(layout.bytes()).isEqualTo(4 * (19 * 64 + 10 * 32));
    assertThat(layout.part(0).rowBytes()).isEqualTo(256);
    assertThat(layout.part(0).bytes()).isEqualTo(19 * 256);
    assertThat(layout(SumOrder.INTERLEAVED, WeightFormat.BF16).bytes())
        .isEqualTo(2 * (19 * 64 + 10 * 32));
  }

  @Test
  void panelsHold32RowsColumnByColumn() {
    PackLayout layout = layout(SumOrder.CHAIN, WeightFormat.BF16);
    assertThat(layout.part(0).stride()).isEqualTo(33);
    assertThat(layout.part(1).at(0)).isEqualTo(32 * 33);
    assertThat(layout.part(0).at(1)).isEqualTo(32 * 33 + 32 * 3);
    assertThat(layout.part(0).at(1, 2, 5)).isEqualTo(32 * 33 + 32 * 3 + 5 * 32 + 2);
    assertThat(layout.elements()).isEqualTo(3 * 32 * (33 + 3));
    assertThat(layout.bytes()).isEqualTo(2 * 3 * 32 * (33 + 3));
    // The zero rows of a panel do not count as read.
    assertThat(layout.part(0).bytes()).isEqualTo(2 * 19 * 33);
  }

  @Test
  void thePanelsOfALargeGroupFollowEachOther() {
    RowGroups rows =
        new RowGroups(
            70, 70, List.of(new RowGroups.Rows(0, NumberedRows.of(70, 5))), OptionalInt.empty());
    PackLayout layout = new PackLayout(rows, SumOrder.CHAIN, WeightFormat.F32, arena);
    assertThat(layout.elements()).isEqualTo(96 * 5);
    assertThat(layout.part(0).at(0, 31, 4)).isEqualTo(4 * 32 + 31);
    assertThat(layout.part(0).at(0, 33, 0)).isEqualTo(32 * 5 + 1);
    assertThat(layout.part(0).at(0, 69, 4)).isEqualTo(2 * 32 * 5 + 4 * 32 + 5);
  }

  @Test
  void kernelsReadTheSameTables() {
    PackLayout layout = layout(SumOrder.CHAIN, WeightFormat.F32);
    for (int operand = 0; operand < 2; operand++) {
      PackLayout.Part part = layout.part(operand);
      assertThat(part.groupTable().byteSize()).isEqualTo(8 * 3);
      assertThat(part.firstRows().byteSize()).isEqualTo(4 * 4);
      for (int group = 0; group < 3; group++) {
        assertThat(part.groupTable().getAtIndex(JAVA_LONG, group)).isEqualTo(part.at(group));
        assertThat(part.firstRows().getAtIndex(JAVA_INT, group)).isEqualTo(part.firstRow(group));
      }
      assertThat(part.firstRows().getAtIndex(JAVA_INT, 3)).isEqualTo(part.rows());
      for (int row = 0; row < part.rows(); row++) {
        assertThat(part.sumTable().getAtIndex(JAVA_INT, row)).isEqualTo(part.sumAt(row));
      }
    }
  }

  @Test
  void countsTheRowsOfASet() {
    PackLayout layout = layout(SumOrder.INTERLEAVED, WeightFormat.F32);
    ActiveSet set = new ActiveSet(3, arena);
    set.set(0, 1);
    assertThat(layout.part(0).rows(set)).isEqualTo(15);
    assertThat(layout.part(1).rows(set)).isEqualTo(8);
    set.set(2);
    assertThat(layout.part(0).rows(set)).isEqualTo(4);
    set.set();
    assertThat(layout.part(0).rows(set)).isZero();
    assertThat(layout.part(0).rows(ActiveSet.all(3, arena))).isEqualTo(19);
  }

  /** Groups of as many rows each are counted without being looked at. */
  @Test
  void countsTheRowsOfASetOfEvenGroups() {
    RowGroups rows =
        new RowGroups(
            8, 2, List.of(new RowGroups.Rows(0, NumberedRows.of(8, 5))), OptionalInt.empty());
    PackLayout layout = new PackLayout(rows, SumOrder.INTERLEAVED, WeightFormat.F32, arena);
    ActiveSet set = new ActiveSet(4, arena);
    set.set(0, 3);
    assertThat(layout.part(0).rows(set)).isEqualTo(4);
  }

  @Test
  void weightsLieWhereTheLayoutSays() {
    for (SumOrder order : List.of(SumOrder.INTERLEAVED, SumOrder.CHAIN)) {
      PackedWeights weights = PackedWeights.of(rows(), order, WeightFormat.F32, arena);
      PackLayout layout = weights.layout();
      assertThat(weights.tokenOperand()).isEqualTo(1);
      assertThat(weights.weight(layout.part(0).at(0, 3, 32))).isEqualTo(3032);
      assertThat(weights.weight(layout.part(0).at(0, 5, 1))).isEqualTo(100 + 1001);
      // Unit 6 of kind 1 follows unit 4, since unit 5 has none.
      assertThat(weights.weight(layout.part(0).at(1, 5, 2))).isEqualTo(100 + 6002);
      assertThat(weights.weight(layout.part(1).at(2, 1, 2))).isEqualTo(200 + 9002);
    }
  }

  /** Bytes of a step that multiplies everything, and of one whose token saves a multiplication. */
  @Test
  void countsTheBytesAStepReads() {
    PackedWeights rows = packed(SumOrder.INTERLEAVED, WeightFormat.F32);
    assertThat(rows.bytes(false)).isEqualTo(19 * 64 * 4 + 10 * 32 * 4);
    assertThat(rows.bytes(true)).isEqualTo(19 * 64 * 4 + 10 * 4);
    // Its columns are float32 of their own.
    PackedWeights halfRows = packed(SumOrder.INTERLEAVED, WeightFormat.BF16);
    assertThat(halfRows.bytes(false)).isEqualTo(19 * 64 * 2 + 10 * 32 * 2);
    assertThat(halfRows.bytes(true)).isEqualTo(19 * 64 * 2 + 10 * 4);
    // A panel's column is read where it lies.
    PackedWeights halfPanels = packed(SumOrder.CHAIN, WeightFormat.BF16);
    assertThat(halfPanels.bytes(false)).isEqualTo(19 * 33 * 2 + 10 * 3 * 2);
    assertThat(halfPanels.bytes(true)).isEqualTo(19 * 33 * 2 + 10 * 2);
  }

  private PackedWeights packed(SumOrder order, WeightFormat format) {
    return PackedWeights.of(rows(), order, format, arena);
  }

  /**
   * In any shape: no two weights share a place, all lie within the pack, a group is one run, every
   * row has a sum of its own, and all that is not a weight is zero.
   */
  @Provide
  Arbitrary<SumOrder> floatOrders() {
    return Arbitraries.of(SumOrder.INTERLEAVED, SumOrder.CHAIN);
  }

  @Property(tries = 60)
  void everyWeightAndEverySumHasAPlaceOfItsOwn(
      @ForAll @IntRange(min = 1, max = 80) int units,
      @ForAll @IntRange(min = 1, max = 90) int groupUnits,
      @ForAll @IntRange(min = 1, max = 3) int operands,
      @ForAll @IntRange(min = 1, max = 40) int columns,
      @ForAll("floatOrders") SumOrder order,
      @ForAll WeightFormat format,
      @ForAll long seed) {
    boolean integers = format == WeightFormat.I8;
    boolean columnwise = order == SumOrder.CHAIN || order == SumOrder.TILES;
    SumOrder ofFloats = columnwise ? SumOrder.CHAIN : SumOrder.INTERLEAVED;
    SumOrder used = integers ? columnwise ? SumOrder.TILES : SumOrder.ROWS : ofFloats;
    boolean tiles = used == SumOrder.TILES;
    Random random = new Random(seed);
    List<RowGroups.Rows> kinds = new ArrayList<>();
    long stored = 0;
    for (int operand = 0; operand < operands; operand++) {
      int width = columns + 13 * operand;
      for (int kind = 0; kind <= random.nextInt(3); kind++) {
        BitSet present = new BitSet();
        for (int unit = 0; unit < units; unit++) {
          present.set(unit, tiles || random.nextInt(4) > 0);
        }
        NumberedRows numbered = new NumberedRows(units, width, 1);
        kinds.add(new RowGroups.Rows(operand, numbered, tiles ? null : present));
        stored += (long) present.cardinality() * width;
      }
    }
    int together = tiles ? PackLayout.TILE_UNITS : groupUnits;
    RowGroups rows = new RowGroups(units, together, kinds, OptionalInt.empty());
    try (Arena memory = Arena.ofConfined()) {
      PackedWeights weights = PackedWeights.of(rows, used, format, memory);
      PackLayout layout = weights.layout();
      Set<Long> places = new HashSet<>();
      long end = 0;
      for (int group = 0; group < layout.groups(); group++) {
        for (int operand = 0; operand < operands; operand++) {
          PackLayout.Part part = layout.part(operand);
          assertThat(part.at(group)).isEqualTo(end);
          int unitsOfGroup = Math.min(together, units - group * together);
          end +=
              switch (used) {
                case CHAIN -> (part.rows(group) + 31) / 32 * 32 * part.columns();
                case INTERLEAVED -> part.rows(group) * ((part.columns() + 31) / 32 * 32);
                case ROWS -> part.rows(group) * ((part.columns() + 63) / 64 * 64);
                case TILES -> part.kinds() * ((unitsOfGroup + 31) / 32 * 32) * part.columns();
              };
          for (int row = 0; row < part.rows(group); row++) {
            for (int column = 0; column < part.columns(); column++) {
              long at = part.at(group, row, column);
              assertThat(at).isBetween(part.at(group), end - 1);
              places.add(at);
            }
          }
        }
      }
      assertThat(layout.elements()).isEqualTo(end);
      assertThat(weights.weights().byteSize()).isEqualTo(end * format.bytes());
      assertThat(places).hasSize((int) stored);
      for (long at = 0; at < end; at++) {
        // Of small weights in a row with large ones int8 makes 0.
        assertThat(weights.weight(at) == 0).isIn(!places.contains(at), integers);
      }
      for (int operand = 0; operand < operands; operand++) {
        PackLayout.Part part = layout.part(operand);
        Set<Integer> sums = new HashSet<>();
        for (int row = 0; row < part.rows(); row++) {
          sums.add(part.sumAt(row));
          assertThat(part.sumAt(row) % layout.sumStride()).isLessThan(units);
          assertThat(part.sumAt(row)).isLessThan(part.sumFloats());
        }
        assertThat(sums).hasSize(part.rows());
      }
    }
  }
}
