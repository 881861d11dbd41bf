package io.github.stillgate.core.kernel.reference;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.Int8;
import io.github.stillgate.core.kernel.KeptSums;
import io.github.stillgate.core.kernel.Movement;
import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackLayout;
import io.github.stillgate.core.kernel.PackedWeights;
import java.lang.foreign.MemorySegment;

/** Tiles of int8, column by column, in plain loops: {@link Int8}. */
final class ReferenceTiles extends Pack {
  private final MemorySegment weights;
  private final int widest;

  ReferenceTiles(PackedWeights weights) {
    super(weights);
    this.weights = weights.weights();
    this.widest = layout().widest();
  }

  /** Integer sums of a tile, then the values of an operand. */
  @Override
  public int scratchFloats() {
    return PackLayout.TILE_UNITS + widest;
  }

  @Override
  public void prepare(Binding stream) {
    for (int operand = 0; operand < stream.operands(); operand++) {
      KeptSums kept = stream.keptSums(operand);
      MemorySegment vector = stream.vector(operand);
      if (kept != null && vector != null) {
        send(layout().part(operand).columns(), 1 / weights().operandScale(operand), vector, kept);
      }
    }
  }

  private static void send(int columns, float inverse, MemorySegment vector, KeptSums kept) {
    MemorySegment sent = kept.sent();
    if (sent == null) {
      sendAll(columns, inverse, vector, kept);
      return;
    }
    Movement movement = kept.movement();
    int candidates = list(columns, inverse, movement.threshold(), vector, sent, kept);
    int count = movement.cut(candidates, kept.moved().indices(), kept.changes(), kept.room());
    kept.heldBack(candidates - count);
    kept.moved().count(count);
    add(kept, sent);
    sendAll(columns, 1, sent, kept);
  }

  /** Lists where {@code values} differ from what is summed; they are what is summed then. */
  private static void sendAll(int columns, float inverse, MemorySegment values, KeptSums kept) {
    kept.moved().count(list(columns, inverse, 0, values, kept.summed(), kept));
    add(kept, kept.summed());
  }

  /** Lists the values that differ from {@code from} by more than a threshold. */
  private static int list(
      int columns,
      float inverse,
      int threshold,
      MemorySegment values,
      MemorySegment from,
      KeptSums kept) {
    int count = 0;
    for (int column = 0; column < columns; column++) {
      int value = Int8.round(values.getAtIndex(JAVA_FLOAT, column), inverse);
      int change = value - (int) from.getAtIndex(JAVA_FLOAT, column);
      if (Math.abs(change) > threshold) {
        kept.changes().setAtIndex(JAVA_INT, count, change);
        kept.moved().indices().setAtIndex(JAVA_INT, count++, column);
      }
    }
    return count;
  }

  private static void add(KeptSums kept, MemorySegment values) {
    for (int i = 0; i < kept.moved().count(); i++) {
      int column = kept.moved().at(i);
      float value = values.getAtIndex(JAVA_FLOAT, column);
      values.setAtIndex(JAVA_FLOAT, column, value + kept.changes().getAtIndex(JAVA_INT, i));
    }
  }

  @Override
  public void multiply(ActiveSet set, int from, int to, Binding stream, MemorySegment scratch) {
    for (int operand = 0; operand < stream.operands(); operand++) {
      MemorySegment vector = stream.vector(operand);
      MemorySegment sums = stream.sums(operand);
      KeptSums kept = stream.keptSums(operand);
      if (vector == null || sums == null) {
        continue;
      }
      if (kept != null) {
        for (int position = from; position < to; position++) {
          addMoved(operand, set.at(position), kept, sums);
        }
      } else {
        float scale = roundAll(operand, vector, scratch);
        for (int position = from; position < to; position++) {
          sumAll(operand, set.at(position), scale, scratch, sums);
        }
      }
    }
  }

  private void addMoved(int operand, int group, KeptSums kept, MemorySegment sums) {
    PackLayout.Part part = layout().part(operand);
    int tileRows = part.tileRows(group);
    float scale = weights().operandScale(operand);
    for (int kind = 0; kind < part.kinds(); kind++) {
      long tile = part.at(group) + (long) kind * part.columns() * tileRows;
      int firstSum = kind * layout().sumStride() + group * PackLayout.TILE_UNITS;
      for (int i = 0; i < kept.moved().count(); i++) {
        long column = tile + (long) kept.moved().at(i) * tileRows;
        int change = kept.changes().getAtIndex(JAVA_INT, i);
        addColumn(column, tileRows, change, kept.sums(), firstSum);
      }
      scale(operand, firstSum, tileRows, scale, kept.sums(), firstSum, sums);
    }
  }

  private void addColumn(long column, int rows, int factor, MemorySegment sums, int at) {
    for (int row = 0; row < rows; row++) {
      int sum = sums.getAtIndex(JAVA_INT, at + row) + factor * weights.get(JAVA_BYTE, column + row);
      sums.setAtIndex(JAVA_INT, at + row, sum);
    }
  }

  private void scale(
      int operand,
      int at,
      int rows,
      float scale,
      MemorySegment from,
      int fromAt,
      MemorySegment to) {
    MemorySegment rowScales = weights().rowScales(operand);
    for (int row = 0; row < rows; row++) {
      float rowScale = rowScales.getAtIndex(JAVA_FLOAT, at + row);
      int sum = from.getAtIndex(JAVA_INT, fromAt + row);
      to.setAtIndex(JAVA_FLOAT, at + row, Int8.sum(sum, rowScale, scale));
    }
  }

  /** Leaves the rounded values behind the sums in {@code scratch}. Gives their scale. */
  private float roundAll(int operand, MemorySegment vector, MemorySegment scratch) {
    int columns = layout().part(operand).columns();
    float scale = weights().operandScale(operand, vector);
    float inverse = 1 / scale;
    for (int column = 0; column < columns; column++) {
      int value = Int8.round(vector.getAtIndex(JAVA_FLOAT, column), inverse);
      scratch.setAtIndex(JAVA_INT, PackLayout.TILE_UNITS + column, value);
    }
    return scale;
  }

  private void sumAll(
      int operand, int group, float scale, MemorySegment scratch, MemorySegment sums) {
    PackLayout.Part part = layout().part(operand);
    int tileRows = part.tileRows(group);
    for (int kind = 0; kind < part.kinds(); kind++) {
      long tile = part.at(group) + (long) kind * part.columns() * tileRows;
      scratch.asSlice(0, 4L * tileRows).fill((byte) 0);
      for (int column = 0; column < part.columns(); column++) {
        int value = scratch.getAtIndex(JAVA_INT, PackLayout.TILE_UNITS + column);
        addColumn(tile + (long) column * tileRows, tileRows, value, scratch, 0);
      }
      int firstSum = kind * layout().sumStride() + group * PackLayout.TILE_UNITS;
      scale(operand, firstSum, tileRows, scale, scratch, 0, sums);
    }
  }
}
