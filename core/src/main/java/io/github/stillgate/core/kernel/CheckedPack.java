package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Checks each multiplication of another pack. Other threads may multiply other positions of the
 * same set meanwhile, so only the sums of groups outside the set are compared.
 */
final class CheckedPack extends Pack {
  private final Pack pack;

  /** What a breach over each operand begins with; made here, since a check allocates nothing. */
  private final String[] names;

  CheckedPack(Pack pack) {
    super(pack.weights());
    this.pack = pack;
    this.names = new String[layout().operands()];
    Arrays.setAll(names, "multiply, operand %d"::formatted);
  }

  @Override
  public int scratchFloats() {
    return pack.scratchFloats();
  }

  @Override
  public int changeFloats(int operand) {
    return pack.changeFloats(operand);
  }

  @Override
  public void prepare(Binding stream) {
    pack.prepare(stream);
  }

  @Override
  public void multiply(ActiveSet set, int from, int to, Binding stream, MemorySegment scratch) {
    Checks.memory("multiply", "scratch", scratch, pack.scratchFloats());
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
  public boolean dividesBatches() {
    return pack.dividesBatches();
  }

  @Override
  public void prepare(Batch batch) {
    pack.prepare(batch);
  }

  @Override
  public void multiply(Batch batch, int from, int to, MemorySegment scratch) {
    Checks.memory("multiply", "scratch", scratch, pack.batchScratchFloats(batch.capacity()));
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
      checkStream(batch, stream);
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

  /** A stream leaves out what all leave out, and is bound to what it was when it was added. */
  private void checkStream(Batch batch, int stream) {
    Binding binding = batch.binding(stream);
    int operands = layout().operands();
    for (int operand = 0; operand < operands; operand++) {
      if ((binding.vector(operand) == null) != batch.leavesOut(operand)) {
        throw new AssertionError(
            "multiply: some streams of the batch leave operand %d out, stream %d %s"
                .formatted(operand, stream, batch.leavesOut(operand) ? "does not" : "does"));
      }
      long at = (long) operand * batch.capacity() + stream;
      checkAddress(operand, binding.vector(operand), batch.addresses().getAtIndex(JAVA_LONG, at));
      at += (long) operands * batch.capacity();
      checkAddress(operand, binding.sums(operand), batch.addresses().getAtIndex(JAVA_LONG, at));
    }
  }

  private static void checkAddress(int operand, @Nullable MemorySegment bound, long address) {
    if (address != (bound == null ? 0 : bound.address())) {
      throw new AssertionError(
          "multiply: operand %d is bound to other memory than the address table says"
              .formatted(operand));
    }
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
        if (layout().order() == SumOrder.CHAIN) {
          Checks.room(names[operand], "vector", vector, part.columns());
          Checks.finite(names[operand], "vector", vector, 1, part.columns());
          Checks.room(names[operand], "sums", sums, sumFloats(part));
        } else {
          Checks.input(names[operand], "vector", vector, 1, part.columns());
          Checks.memory(names[operand], "sums", sums, part.sumFloats());
          checkPadding(operand, vector, part.columns());
        }
        Checks.apart(names[operand], "vector and sums", vector, read(part), sums, sumFloats(part));
      }
      checkAddress(operand, vector, stream.addresses().getAtIndex(JAVA_LONG, operand));
      long sumsAt = stream.addresses().getAtIndex(JAVA_LONG, (long) stream.operands() + operand);
      checkAddress(operand, sums, sumsAt);
    }
    return hash(set, stream);
  }

  /** Floats of a vector that belong to it. */
  private int read(PackLayout.Part part) {
    return layout().order() == SumOrder.CHAIN ? part.columns() : Lanes.padded(part.columns());
  }

  /** Floats up to the last sum. */
  private int sumFloats(PackLayout.Part part) {
    return layout().order() == SumOrder.CHAIN
        ? (part.kinds() - 1) * layout().sumStride() + layout().units()
        : part.sumFloats();
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
      int read = read(part);
      for (int i = 0; i < read; i++) {
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
}
