package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Weights in their {@link PackLayout}, and the columns of an operand that is given by token. The
 * same for every backend; a {@link Pack} is a backend's kernel over them.
 *
 * <p>Immutable but for {@link #bound}, and safe for any number of threads while the arena is alive.
 */
public final class PackedWeights {
  private final PackLayout layout;
  private final MemorySegment weights;
  private final int tokenOperand;
  private final MemorySegment @Nullable [] columns;
  private final MemorySegment @Nullable [] scales;
  private final float[] operandScales;
  private final BitSet found;
  private final int mostMoved;

  /** By operand; replaced, never written. */
  private volatile Movement[] movements;

  private PackedWeights(
      PackLayout layout,
      MemorySegment weights,
      int tokenOperand,
      MemorySegment @Nullable [] columns,
      MemorySegment @Nullable [] scales,
      float[] operandScales,
      BitSet found,
      Movement movement) {
    this.layout = layout;
    this.weights = weights;
    this.tokenOperand = tokenOperand;
    this.columns = columns;
    this.scales = scales;
    this.operandScales = operandScales;
    this.found = found;
    this.mostMoved = movement.most();
    this.movements = new Movement[operandScales.length];
    Arrays.fill(movements, movement);
    if (tokenOperand >= 0 && movement.lags()) {
      movements[tokenOperand] = Movement.EXACT;
    }
  }

  /** Copies {@code rows} into memory that lives as long as {@code arena}. */
  public static PackedWeights of(RowGroups rows, SumOrder order, WeightFormat format, Arena arena) {
    PackLayout layout = new PackLayout(rows, order, format, arena);
    MemorySegment weights = PackMemory.allocate(layout.bytes(), arena);
    int tokenOperand = rows.tokens().orElse(-1);
    // A panel holds columns as they are needed; rows that lie one by one do not.
    MemorySegment[] columns =
        tokenOperand >= 0 && (order == SumOrder.INTERLEAVED || order == SumOrder.ROWS)
            ? columns(rows.over(tokenOperand), layout, arena)
            : null;
    MemorySegment[] scales = format == WeightFormat.I8 ? scales(layout, arena) : null;
    float[] operandScales = new float[layout.operands()];
    BitSet found = new BitSet();
    for (int operand = 0; operand < operandScales.length; operand++) {
      double reach = operand == tokenOperand ? 1 : rows.reach().get(operand);
      boolean proved = Int8.isProved(reach);
      operandScales[operand] = proved ? Int8.provedScale(reach) : rows.scales().get(operand);
      found.set(operand, !proved && operandScales[operand] != 0);
    }
    PackedWeights packed =
        new PackedWeights(
            layout, weights, tokenOperand, columns, scales, operandScales, found, rows.movement());
    for (int operand = 0; operand < layout.operands(); operand++) {
      packed.copy(rows.over(operand), operand);
    }
    return packed;
  }

  private static MemorySegment[] scales(PackLayout layout, Arena arena) {
    MemorySegment[] scales = new MemorySegment[layout.operands()];
    Arrays.setAll(scales, operand -> Lanes.floats(layout.part(operand).sumFloats(), arena));
    return scales;
  }

  private void copy(List<RowGroups.Rows> kinds, int operand) {
    PackLayout.Part part = layout.part(operand);
    float[] row = new float[part.columns()];
    for (int group = 0; group < layout.groups(); group++) {
      int firstUnit = group * layout.groupUnits();
      int behind = Math.min(firstUnit + layout.groupUnits(), layout.units());
      int number = 0;
      for (RowGroups.Rows kind : kinds) {
        for (int unit = firstUnit; unit < behind; unit++) {
          if (kind.has(unit)) {
            kind.weights().copyRow(unit, row);
            store(row, kind.weights().scale(unit), operand, group, number++);
          }
        }
      }
    }
  }

  private void store(float[] row, float storedScale, int operand, int group, int number) {
    PackLayout.Part part = layout.part(operand);
    if (scales != null) {
      float scale = storedScale != 0 ? storedScale : Int8.scale(Int8.largest(row));
      int sumAt = part.sumAt(part.firstRow(group) + number);
      scales[operand].setAtIndex(JAVA_FLOAT, sumAt, scale);
      for (int column = 0; column < row.length; column++) {
        byte weight = (byte) Int8.round(row[column], 1 / scale);
        weights.set(JAVA_BYTE, part.at(group, number, column), weight);
      }
      return;
    }
    layout.format().round(row);
    for (int column = 0; column < row.length; column++) {
      long at = part.at(group, number, column);
      if (layout.format() == WeightFormat.F32) {
        weights.setAtIndex(JAVA_FLOAT, at, row[column]);
      } else {
        int bits = Float.floatToRawIntBits(row[column]);
        weights.setAtIndex(JAVA_SHORT, bf16At(at), (short) (bits >>> 16));
      }
    }
  }

  /** Which 16-bit half holds weight {@code at}: see {@link WeightFormat#BF16}. */
  private static long bf16At(long at) {
    int lane = (int) (at % Lanes.COUNT);
    int half = Lanes.COUNT / 2;
    return at - lane + 2 * (lane % half) + lane / half;
  }

  private static MemorySegment[] columns(
      List<RowGroups.Rows> kinds, PackLayout layout, Arena arena) {
    int tokens = kinds.get(0).weights().columns();
    int stride = layout.sumStride();
    long bytes = 4L * kinds.size() * stride;
    MemorySegment all = PackMemory.allocate(tokens * bytes, arena);
    MemorySegment[] columns = new MemorySegment[tokens];
    Arrays.setAll(columns, token -> all.asSlice(token * bytes, bytes));
    float[] row = new float[tokens];
    for (int kind = 0; kind < kinds.size(); kind++) {
      for (int unit = 0; unit < layout.units(); unit++) {
        if (kinds.get(kind).has(unit)) {
          kinds.get(kind).weights().copyRow(unit, row);
          sumsOfTokens(row, kinds.get(kind).weights().scale(unit), layout.format());
          for (int token = 0; token < tokens; token++) {
            columns[token].setAtIndex(JAVA_FLOAT, (long) kind * stride + unit, row[token]);
          }
        }
      }
    }
    return columns;
  }

  /** Makes of each weight of a row what its sum over the one-hot vector of that column is. */
  private static void sumsOfTokens(float[] row, float storedScale, WeightFormat format) {
    if (format == WeightFormat.I8) {
      float scale = storedScale != 0 ? storedScale : Int8.scale(Int8.largest(row));
      for (int token = 0; token < row.length; token++) {
        int sum = Int8.round(row[token], 1 / scale) * Int8.LARGEST;
        row[token] = Int8.sum(sum, scale, Int8.UNIT_SCALE);
      }
      return;
    }
    format.round(row);
    for (int token = 0; token < row.length; token++) {
      // Adding +0 turns -0 into +0, as the sum over a one-hot row does.
      row[token] += 0f;
    }
  }

  /** Where the rows lie. */
  public PackLayout layout() {
    return layout;
  }

  /** The rows as they are stored. */
  public MemorySegment weights() {
    return weights;
  }

  /** The operand that may be given by token, or -1. */
  public int tokenOperand() {
    return tokenOperand;
  }

  /** Weight bytes read for all groups; one column of the token operand if it is given by token. */
  public long bytes(boolean token) {
    long bytes = 0;
    for (int operand = 0; operand < layout.operands(); operand++) {
      PackLayout.Part part = layout.part(operand);
      boolean byToken = token && operand == tokenOperand;
      bytes += byToken ? part.rows() * columnBytes() : part.bytes();
    }
    return bytes;
  }

  /** Bytes read of a token's column for one row. */
  long columnBytes() {
    return columns != null ? 4 : layout.format().bytes();
  }

  /** The weight at a position of the layout, widened to float32; an integer in int8. */
  public float weight(long at) {
    return switch (layout.format()) {
      case F32 -> weights.getAtIndex(JAVA_FLOAT, at);
      case BF16 -> Float.intBitsToFloat(weights.getAtIndex(JAVA_SHORT, bf16At(at)) << 16);
      case I8 -> weights.get(JAVA_BYTE, at);
    };
  }

  /**
   * The scales of the rows over an operand of an int8 pack, each where the row's sum stands; 0 in
   * the padding.
   */
  public MemorySegment rowScales(int operand) {
    if (scales == null) {
      throw new IllegalStateException("weights in %s have no scales".formatted(layout.format()));
    }
    return scales[operand];
  }

  /**
   * The scale of an operand of an int8 pack where it is always the same; 0 where it is taken from
   * its values each time.
   */
  public float operandScale(int operand) {
    return operandScales[operand];
  }

  /** Whether an operand's scale is fixed but not proved: values can be beyond it. */
  public boolean isScaleFound(int operand) {
    return found.get(operand);
  }

  /** The scale of an operand of an int8 pack that has these values now. */
  public float operandScale(int operand, MemorySegment values) {
    float scale = operandScales[operand];
    if (scale != 0) {
      return scale;
    }
    float largest = 0;
    for (int column = 0; column < layout.part(operand).columns(); column++) {
      largest = Math.max(largest, Math.abs(values.getAtIndex(JAVA_FLOAT, column)));
    }
    return Int8.scale(largest);
  }

  /** Whether of an operand only what moved is multiplied: its sums are kept. */
  public boolean follows(int operand) {
    return layout.order() == SumOrder.TILES
        && operandScales[operand] != 0
        && !movements[operand].equals(Movement.ALL);
  }

  /** Which values of an operand count as moved; of a token all that did. */
  public Movement movement(int operand) {
    return movements[operand];
  }

  /** Whether {@link #bound} changes anything. */
  public boolean canBeBounded() {
    for (int operand = 0; operand < operandScales.length; operand++) {
      if (follows(operand) && movements[operand].toBeBounded()) {
        return true;
      }
    }
    return false;
  }

  /**
   * From the next step on, a share of the values of each operand are sent in a step at most, one at
   * least, and never more than the rule it was packed with allows. Holds for operands whose rule is
   * {@link Movement#toBeBounded}.
   *
   * @param share from 0 to 1
   */
  public void bound(double share) {
    Movement[] bounded = movements.clone();
    for (int operand = 0; operand < bounded.length; operand++) {
      if (bounded[operand].toBeBounded()) {
        int columns = layout.part(operand).columns();
        int most = share >= 1 ? mostMoved : Math.max(1, (int) (share * columns));
        bounded[operand] = bounded[operand].withMost(Math.min(mostMoved, most));
      }
    }
    movements = bounded;
  }

  /**
   * Weight bytes that no step exceeds in which at most {@code groups} groups are multiplied, but
   * for the one after what was sent was replaced.
   *
   * @param token whether the token operand is given by token
   */
  public long mostBytes(boolean token, int groups) {
    long bytes = 0;
    for (int operand = 0; operand < layout.operands(); operand++) {
      PackLayout.Part part = layout.part(operand);
      bytes += part.mostRows(groups) * mostRowBytes(token, operand, part);
    }
    return bytes;
  }

  private long mostRowBytes(boolean token, int operand, PackLayout.Part part) {
    if (token && operand == tokenOperand) {
      return columnBytes();
    }
    return follows(operand) ? Math.min(part.columns(), movements[operand].most()) : part.rowBytes();
  }

  /**
   * What a multiplication of all groups leaves in the sums of {@link #tokenOperand} when the
   * operand is 1 at {@code token} and 0 elsewhere, bit for bit. In the order {@link
   * SumOrder#INTERLEAVED} that is a column stored for the purpose; in the order {@link
   * SumOrder#CHAIN} and in tiles it is copied to {@code room}, so that the weights are kept once.
   *
   * @param room sums of the operand; may be overwritten
   * @return the sums, which nobody may write
   */
  MemorySegment column(int token, MemorySegment room) {
    if (columns != null) {
      return columns[token];
    }
    PackLayout.Part part = layout.part(tokenOperand);
    for (int group = 0; group < layout.groups(); group++) {
      int first = part.firstRow(group);
      int rows = part.rows(group);
      for (int row = 0; row < rows; row++) {
        float weight = weight(part.at(group, row, token));
        int sumAt = part.sumAt(first + row);
        float sum =
            scales == null
                ? weight + 0f
                : Int8.sum(
                    (int) weight * Int8.LARGEST,
                    scales[tokenOperand].getAtIndex(JAVA_FLOAT, sumAt),
                    Int8.UNIT_SCALE);
        room.setAtIndex(JAVA_FLOAT, sumAt, sum);
      }
    }
    return room;
  }
}
