package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/**
 * Checks each multiplication of another pack. Other threads may multiply other positions of the
 * same set meanwhile, so only the sums of groups outside the set are compared.
 */
final class CheckedPack extends Pack {
  private final Pack pack;

  CheckedPack(Pack pack) {
    super(pack.weights());
    this.pack = pack;
  }

  @Override
  public void multiply(ActiveSet set, int from, int to, Binding stream, MemorySegment scratch) {
    checkMemory("scratch", 0, scratch, SCRATCH_FLOATS);
    checkPositions(set, from, to);
    long before = before(set, stream);
    pack.multiply(set, from, to, stream, scratch);
    after(set, from, to, stream, before);
  }

  @Override
  public int batchScratchFloats(int capacity) {
    return pack.batchScratchFloats(capacity);
  }

  @Override
  public void prepare(Batch batch) {
    pack.prepare(batch);
  }

  @Override
  public void multiply(Batch batch, int from, int to, MemorySegment scratch) {
    checkMemory("scratch", 0, scratch, SCRATCH_FLOATS);
    if (batch.count() < 1 || batch.groups() != layout().groups()) {
      throw new AssertionError(
          "multiply: a batch of %d streams over %d groups, the pack has %d"
              .formatted(batch.count(), batch.groups(), layout().groups()));
    }
    if (from < 0 || from > to || to > layout().groups()) {
      throw new AssertionError(
          "multiply: groups %d .. %d of %d".formatted(from, to, layout().groups()));
    }
    long before = 0;
    for (int stream = 0; stream < batch.count(); stream++) {
      before = 31 * before + before(batch.set(stream), batch.binding(stream));
    }
    pack.multiply(batch, from, to, scratch);
    long after = 0;
    for (int stream = 0; stream < batch.count(); stream++) {
      ActiveSet set = batch.set(stream);
      Binding binding = batch.binding(stream);
      after = 31 * after + hash(set, binding);
      checkSums(set, batch.position(stream, from), batch.position(stream, to), binding);
    }
    checkUnwritten(before, after);
  }

  private long before(ActiveSet set, Binding stream) {
    int previous = -1;
    for (int position = 0; position < set.count(); position++) {
      int group = set.at(position);
      if (group <= previous || group >= layout().groups()) {
        throw new AssertionError(
            "multiply: group %d after %d does not ascend within 0 .. %d"
                .formatted(group, previous, layout().groups() - 1));
      }
      previous = group;
    }
    if (stream.operands() != layout().operands()) {
      throw new AssertionError(
          "multiply: %d operands bound to a pack of %d"
              .formatted(stream.operands(), layout().operands()));
    }
    for (int operand = 0; operand < stream.operands(); operand++) {
      MemorySegment vector = stream.vector(operand);
      MemorySegment sums = stream.sums(operand);
      if (vector != null && sums != null) {
        PackLayout.Part part = layout().part(operand);
        checkMemory("vector of operand", operand, vector, Lanes.padded(part.columns()));
        checkMemory("sums of operand", operand, sums, part.sumFloats());
        checkPadding(operand, vector, part.columns());
      }
    }
    return hash(set, stream);
  }

  private void after(ActiveSet set, int from, int to, Binding stream, long before) {
    checkSums(set, from, to, stream);
    checkUnwritten(before, hash(set, stream));
  }

  private static void checkUnwritten(long before, long after) {
    if (before != after) {
      throw new AssertionError("multiply: an operand or the sum of a still group was written");
    }
  }

  /** All operands, and the sums of the groups outside {@code set}. */
  private long hash(ActiveSet set, Binding stream) {
    long hash = 0;
    for (int operand = 0; operand < stream.operands(); operand++) {
      MemorySegment vector = stream.vector(operand);
      MemorySegment sums = stream.sums(operand);
      if (vector == null || sums == null) {
        continue;
      }
      PackLayout.Part part = layout().part(operand);
      int padded = Lanes.padded(part.columns());
      for (int i = 0; i < padded; i++) {
        hash = 31 * hash + vector.getAtIndex(JAVA_INT, i);
      }
      int position = 0;
      for (int group = 0; group < layout().groups(); group++) {
        if (position < set.count() && set.at(position) == group) {
          position++;
          continue;
        }
        for (int row = part.firstRow(group); row < part.firstRow(group + 1); row++) {
          hash = 31 * hash + sums.getAtIndex(JAVA_INT, part.sumAt(row));
        }
      }
    }
    return hash;
  }

  private void checkSums(ActiveSet set, int from, int to, Binding stream) {
    for (int operand = 0; operand < stream.operands(); operand++) {
      MemorySegment sums = stream.sums(operand);
      if (sums == null) {
        continue;
      }
      for (int position = from; position < to; position++) {
        checkSums(operand, set.at(position), sums);
      }
    }
  }

  /** A group's sums are finite, and +0 where its unit has no row. */
  private void checkSums(int operand, int group, MemorySegment sums) {
    PackLayout.Part part = layout().part(operand);
    int row = part.firstRow(group);
    int end = part.firstRow(group + 1);
    int firstUnit = group * layout().groupUnits();
    int endUnit = Math.min(firstUnit + layout().groupUnits(), layout().units());
    for (int kind = 0; kind < part.kinds(); kind++) {
      for (int unit = firstUnit; unit < endUnit; unit++) {
        int at = kind * layout().sumStride() + unit;
        boolean present = row < end && part.sumAt(row) == at;
        if (present) {
          row++;
        }
        float sum = sums.getAtIndex(JAVA_FLOAT, at);
        if (present ? !Float.isFinite(sum) : Float.floatToRawIntBits(sum) != 0) {
          throw new AssertionError(
              "multiply: the sum of kind %d of unit %d over operand %d is %s; its row is %s"
                  .formatted(kind, unit, operand, sum, present ? "there" : "missing"));
        }
      }
    }
  }

  private static void checkPositions(ActiveSet set, int from, int to) {
    if (from < 0 || from > to || to > set.count()) {
      throw new AssertionError(
          "multiply: positions %d .. %d of a set of %d".formatted(from, to, set.count()));
    }
  }

  private static void checkPadding(int operand, MemorySegment vector, int width) {
    for (int i = width; i < Lanes.padded(width); i++) {
      if (vector.getAtIndex(JAVA_INT, i) != 0) {
        throw new AssertionError(
            "multiply: operand %d has %s in its padding at %d"
                .formatted(operand, vector.getAtIndex(JAVA_FLOAT, i), i));
      }
    }
  }

  private static void checkMemory(String what, int operand, MemorySegment memory, int floats) {
    if (memory.address() % Lanes.ALIGNMENT != 0 || memory.byteSize() < 4L * floats) {
      throw new AssertionError(
          "multiply: %s %d has %d bytes at %#x; needed are %d, aligned to %d"
              .formatted(
                  what,
                  operand,
                  memory.byteSize(),
                  memory.address(),
                  4L * floats,
                  Lanes.ALIGNMENT));
    }
  }
}
