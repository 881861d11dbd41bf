package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.Arrays;
import java.util.List;

/**
 * Where a pack keeps its rows. A group is one contiguous run: its rows over operand 0, kind by
 * kind, then those over operand 1, and so on; groups follow each other.
 *
 * <pre>
 *   group 0                               group 1
 *   | part 0: kinds over operand 0 | part 1 | part 0 | part 1 | ...
 *
 *   INTERLEAVED, a part:   | row | row | ...    each padded to 32 weights
 *   CHAIN, a part:         | panel | panel | ...  32 rows each, column by column; the last panel is
 *                          filled up with zero rows
 *   ROWS, a part:          | row | row | ...    each padded to 64 weights
 *   TILES, a part:         | tile | tile | ...    one a kind: the group's units, column by column,
 *                          filled up with zeros to a multiple of 32
 * </pre>
 *
 * <p>Rows that a unit does not have take no room. So each part has tables, off-heap: where a
 * group's rows begin, how many they are, and where the sum of each row goes. The sum of kind k of
 * unit i stands at {@code k * sumStride + i} of its operand's sums, whatever the order of
 * summation.
 *
 * <p>Immutable.
 */
public final class PackLayout {
  /** Units of a group in the order TILES: a column of a tile is one cache line of int8. */
  public static final int TILE_UNITS = 64;

  /** Weights that rows in the order ROWS are padded to a multiple of: one cache line of int8. */
  public static final int ROW_WEIGHTS = 64;

  private final SumOrder order;
  private final WeightFormat format;
  private final int units;
  private final int groupUnits;
  private final Part[] parts;
  private final long elements;

  PackLayout(RowGroups rows, SumOrder order, WeightFormat format, SegmentAllocator memory) {
    this.order = order;
    this.format = format;
    this.units = rows.units();
    this.groupUnits = rows.groupUnits();
    if (isOfIntegers() != (format == WeightFormat.I8)) {
      throw new IllegalArgumentException("%s in the order %s".formatted(format, order));
    }
    if (order == SumOrder.TILES && groupUnits != TILE_UNITS) {
      throw new IllegalArgumentException("tiles of %d units".formatted(groupUnits));
    }
    this.parts = new Part[rows.operands()];
    for (int operand = 0; operand < parts.length; operand++) {
      parts[operand] = new Part(rows, operand, memory);
    }
    long at = 0;
    for (int group = 0; group < groups(); group++) {
      for (Part part : parts) {
        part.at.setAtIndex(JAVA_LONG, group, at);
        at = Math.addExact(at, part.elements(group));
      }
    }
    this.elements = at;
  }

  /** Whether its weights are int8, whose sums are exact in any order. */
  public boolean isOfIntegers() {
    return order == SumOrder.TILES || order == SumOrder.ROWS;
  }

  /** The order of summation. */
  public SumOrder order() {
    return order;
  }

  /** How weights are stored. */
  public WeightFormat format() {
    return format;
  }

  /** Number of units. */
  public int units() {
    return units;
  }

  /** Units in each group; the last may have fewer. */
  public int groupUnits() {
    return groupUnits;
  }

  /** Number of groups. */
  public int groups() {
    return Math.ceilDiv(units, groupUnits);
  }

  /** Number of operands. */
  public int operands() {
    return parts.length;
  }

  /** The rows over one operand. */
  public Part part(int operand) {
    return parts[operand];
  }

  /** Columns of the widest operand. */
  public int widest() {
    int widest = 0;
    for (Part part : parts) {
      widest = Math.max(widest, part.columns());
    }
    return widest;
  }

  /** Floats from the sums of one kind to those of the next: the padded number of units. */
  public int sumStride() {
    return Lanes.padded(units);
  }

  /**
   * Whether each group is one unit that has rows of all kinds over all operands: then places of
   * rows and sums follow from the strides, without the tables.
   */
  public boolean isRegular() {
    return groupUnits == 1
        && Arrays.stream(parts).allMatch(part -> part.rows() == part.kinds() * units);
  }

  /** Weights in the whole pack, padding included. */
  public long elements() {
    return elements;
  }

  /** Size of the whole pack in bytes. */
  public long bytes() {
    return Math.multiplyExact(elements, (long) format.bytes());
  }

  /** The rows over one operand: of every group, those of its units, kind by kind. */
  public final class Part {
    private final int kinds;
    private final int columns;
    private final MemorySegment at;
    private final MemorySegment first;
    private final MemorySegment sums;
    private final int rows;
    private final int evenRows;
    private final int mostGroupRows;
    private final long rowBytes;

    private Part(RowGroups rows, int operand, SegmentAllocator memory) {
      List<RowGroups.Rows> over = rows.over(operand);
      int groups = rows.groups();
      this.kinds = over.size();
      this.columns = over.get(0).weights().columns();
      if (isOfIntegers() && columns > Int8.MOST_COLUMNS) {
        throw new IllegalArgumentException(
            "rows of %d int8 weights could overflow int32; at most %d"
                .formatted(columns, Int8.MOST_COLUMNS));
      }
      if (order == SumOrder.TILES && over.stream().anyMatch(kind -> kind.present() != null)) {
        throw new IllegalArgumentException("a tile has rows of all its units");
      }
      this.at = memory.allocate(8L * groups, Lanes.ALIGNMENT);
      this.first = memory.allocate(4L * (groups + 1), Lanes.ALIGNMENT);
      this.sums = memory.allocate(4L * kinds * units, Lanes.ALIGNMENT);
      int count = 0;
      int even = -1;
      int most = 0;
      for (int group = 0; group < groups; group++) {
        int before = count;
        int behind = Math.min((group + 1) * groupUnits, units);
        for (int kind = 0; kind < kinds; kind++) {
          for (int unit = group * groupUnits; unit < behind; unit++) {
            if (over.get(kind).has(unit)) {
              sums.setAtIndex(JAVA_INT, count++, kind * sumStride() + unit);
            }
          }
        }
        first.setAtIndex(JAVA_INT, group + 1, count);
        most = Math.max(most, count - before);
        even = group == 0 || even == count - before ? count - before : -1;
      }
      this.rows = count;
      this.evenRows = even;
      this.mostGroupRows = most;
      this.rowBytes = (long) format.bytes() * stride();
    }

    /** Kinds of rows. */
    public int kinds() {
      return kinds;
    }

    /** Number of columns: the operand's width. */
    public int columns() {
      return columns;
    }

    /**
     * Weights from one row to the next (INTERLEAVED, ROWS), which is the padded width; or columns
     * of a panel or tile (CHAIN, TILES), which is the width.
     */
    public int stride() {
      return switch (order) {
        case INTERLEAVED -> Lanes.padded(columns);
        case ROWS -> Math.ceilDiv(columns, ROW_WEIGHTS) * ROW_WEIGHTS;
        case CHAIN, TILES -> columns;
      };
    }

    /** Rows of a group. */
    public int rows(int group) {
      return firstRow(group + 1) - firstRow(group);
    }

    /** Rows of all groups. */
    public int rows() {
      return rows;
    }

    /** Number of a group's first row, counted over all groups. */
    public int firstRow(int group) {
      return first.getAtIndex(JAVA_INT, group);
    }

    /** Where the sum of a row goes, in floats; rows are counted over all groups. */
    public int sumAt(int row) {
      return sums.getAtIndex(JAVA_INT, row);
    }

    /** Where a group's rows begin, in weights from the beginning of the pack. */
    public long at(int group) {
      return at.getAtIndex(JAVA_LONG, group);
    }

    /** Position of one weight of a group's row, in weights from the beginning of the pack. */
    public long at(int group, int row, int column) {
      return at(group)
          + switch (order) {
            case INTERLEAVED, ROWS -> (long) row * stride() + column;
            case CHAIN ->
                ((long) (row / Lanes.COUNT) * columns + column) * Lanes.COUNT + row % Lanes.COUNT;
            case TILES -> {
              int unitsOfGroup = Math.min(groupUnits, units - group * groupUnits);
              long kind = row / unitsOfGroup;
              yield (kind * columns + column) * tileRows(group) + row % unitsOfGroup;
            }
          };
    }

    /** Rows of a group's tiles, padding included; the same for all parts. */
    public int tileRows(int group) {
      return Math.min(groupUnits, sumStride() - group * groupUnits);
    }

    /** Off-heap longs: {@link #at(int)} of every group. */
    public MemorySegment groupTable() {
      return at;
    }

    /** Off-heap ints: {@link #firstRow} of every group, and the number of all rows. */
    public MemorySegment firstRows() {
      return first;
    }

    /** Off-heap ints: {@link #sumAt} of every row. */
    public MemorySegment sumTable() {
      return sums;
    }

    /** Floats that hold the sums of all kinds. */
    public int sumFloats() {
      return kinds * sumStride();
    }

    /** Rows of the groups of {@code set}. */
    public long rows(ActiveSet set) {
      if (evenRows >= 0) {
        return (long) set.count() * evenRows;
      }
      if (set.count() == groups()) {
        return rows;
      }
      long rows = 0;
      for (int i = 0; i < set.count(); i++) {
        rows += rows(set.at(i));
      }
      return rows;
    }

    /** The largest number of rows that so many groups can have. */
    public long mostRows(int groups) {
      return Math.min(rows, (long) groups * mostGroupRows);
    }

    /** Bytes of all rows: what a multiplication of everything reads. */
    public long bytes() {
      return rows() * rowBytes();
    }

    /**
     * Bytes a multiplication reads for one row. Of a panel's zero rows whole registers are left
     * out, and the rest is not counted.
     */
    public long rowBytes() {
      return rowBytes;
    }

    private long elements(int group) {
      return switch (order) {
        case INTERLEAVED, ROWS -> (long) rows(group) * stride();
        case CHAIN -> (long) Lanes.padded(rows(group)) * columns;
        case TILES -> (long) kinds * tileRows(group) * columns;
      };
    }
  }
}
