package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Memory.ALL;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.github.stillgate.core.kernel.Pack;
import io.github.stillgate.core.kernel.PackLayout;

/** The tables of one part of a pack, by address: where its rows lie, and where their sums go. */
final class Tables {
  private final long weights;
  private final int weightBytes;
  private final long groups;
  private final long firstRows;
  private final long sums;
  private final int stride;
  private final int kinds;
  private final long first;
  private final long groupBytes;
  private final long sumBytes;

  private Tables(Pack pack, int operand) {
    PackLayout.Part part = pack.layout().part(operand);
    this.weights = Memory.at(pack.weights().weights());
    this.weightBytes = pack.layout().format().bytes();
    this.groups = Memory.at(part.groupTable());
    this.firstRows = Memory.at(part.firstRows());
    this.sums = Memory.at(part.sumTable());
    this.stride = part.stride();
    this.kinds = part.kinds();
    this.first = at(0);
    this.groupBytes = pack.layout().bytes() / pack.layout().groups();
    this.sumBytes = 4L * pack.layout().sumStride();
  }

  static Tables[] of(Pack pack) {
    Tables[] parts = new Tables[pack.layout().operands()];
    for (int operand = 0; operand < parts.length; operand++) {
      parts[operand] = new Tables(pack, operand);
    }
    return parts;
  }

  /** Address of a group's first row. */
  long at(int group) {
    return weights + weightBytes * ALL.get(JAVA_LONG, groups + 8L * group);
  }

  /** Number of a group's first row. */
  int firstRow(int group) {
    return ALL.get(JAVA_INT, firstRows + 4L * group);
  }

  /** Where a row's sum goes, in floats. */
  int sumAt(int row) {
    return ALL.get(JAVA_INT, sums + 4L * row);
  }

  /** Kinds of rows: in a regular pack the rows of every group. */
  int kinds() {
    return kinds;
  }

  /** The same in a regular pack, without a look at a table. */
  long regularAt(int group) {
    return first + group * groupBytes;
  }

  /** In a regular pack: bytes from the sum of one kind to that of the next. */
  long sumBytes() {
    return sumBytes;
  }

  /** Padded length of a row, or columns of a panel. */
  int stride() {
    return stride;
  }

  /** Bytes from one row to the next. */
  int rowBytes() {
    return weightBytes * stride;
  }

  /** Bytes of the padded vector. */
  int vectorBytes() {
    return 4 * stride;
  }
}
