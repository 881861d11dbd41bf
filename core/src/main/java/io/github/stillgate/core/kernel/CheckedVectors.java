package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/**
 * Checks each operation of another {@link VectorOps}: memory, finite arguments and results, inputs
 * that stay as they are, and that an output is one of the inputs or apart from them.
 */
final class CheckedVectors implements VectorOps {
  private final VectorOps ops;

  CheckedVectors(VectorOps ops) {
    this.ops = ops;
  }

  @Override
  public void selectPositive(int n, MemorySegment scores, ActiveSet set) {
    String operation = "selectPositive";
    Checks.count(operation, n);
    Checks.input(operation, "scores", scores, 1, n);
    if (set.capacity() < n) {
      throw new AssertionError(
          "%s: %d scores, a set of at most %d".formatted(operation, n, set.capacity()));
    }
    long before = Checks.hash(scores, 1, n);
    ops.selectPositive(n, scores, set);
    Checks.unwritten(operation, "scores", before, Checks.hash(scores, 1, n));
    int position = 0;
    for (int i = 0; i < n; i++) {
      if (scores.getAtIndex(JAVA_FLOAT, i) > 0) {
        if (position >= set.count() || set.at(position) != i) {
          throw new AssertionError(
              "%s: %d is positive and not at position %d".formatted(operation, i, position));
        }
        position++;
      }
    }
    if (position != set.count()) {
      throw new AssertionError(
          "%s: %d selected, %d positive".formatted(operation, set.count(), position));
    }
  }

  @Override
  public void add(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    long before = before("add", n, left, right, right, out);
    ops.add(n, left, right, out);
    after("add", n, left, right, right, out, before);
  }

  @Override
  public void subtract(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    long before = before("subtract", n, left, right, right, out);
    ops.subtract(n, left, right, out);
    after("subtract", n, left, right, right, out, before);
  }

  @Override
  public void multiply(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    long before = before("multiply", n, left, right, right, out);
    ops.multiply(n, left, right, out);
    after("multiply", n, left, right, right, out, before);
  }

  @Override
  public void multiplyAdd(
      int n, MemorySegment left, MemorySegment right, MemorySegment addend, MemorySegment out) {
    long before = before("multiplyAdd", n, left, right, addend, out);
    ops.multiplyAdd(n, left, right, addend, out);
    after("multiplyAdd", n, left, right, addend, out, before);
  }

  @Override
  public void apply(
      Pointwise function, float a, float b, int n, MemorySegment values, MemorySegment out) {
    long before = before(function.name(), n, values, values, values, out);
    ops.apply(function, a, b, n, values, out);
    after(function.name(), n, values, values, values, out, before);
  }

  @Override
  public void combine(
      Pairwise function, int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    long before = before(function.name(), n, left, right, right, out);
    ops.combine(function, n, left, right, out);
    after(function.name(), n, left, right, right, out, before);
  }

  @Override
  public void gather(int ranges, MemorySegment table, MemorySegment values, MemorySegment out) {
    ops.gather(ranges, table, values, out);
    long entry = 0;
    for (int range = 0; range < ranges; range++) {
      int at = table.getAtIndex(JAVA_INT, entry++);
      int count = table.getAtIndex(JAVA_INT, entry++);
      for (int i = 0; i < count; i++) {
        int from = table.getAtIndex(JAVA_INT, entry++);
        // Reading throws where a position lies outside.
        if (out.getAtIndex(JAVA_INT, at + i) != values.getAtIndex(JAVA_INT, from)) {
          throw new AssertionError(
              "gather: value %d is not at %d; out is no other memory, or ranges overlap"
                  .formatted(from, at + i));
        }
      }
    }
  }

  @Override
  public void rowSums(int rows, int columns, MemorySegment values, MemorySegment out) {
    long before = beforeRows("rowSums", rows, columns, values, out, rows);
    ops.rowSums(rows, columns, values, out);
    afterRows("rowSums", rows * columns, values, out, rows, before);
  }

  @Override
  public void rowExtremes(
      int rows, int columns, float sign, MemorySegment values, MemorySegment out) {
    long before = beforeRows("rowExtremes", rows, columns, values, out, rows);
    ops.rowExtremes(rows, columns, sign, values, out);
    afterRows("rowExtremes", rows * columns, values, out, rows, before);
  }

  @Override
  public void normalise(
      int rows, int columns, float epsilon, MemorySegment values, MemorySegment out) {
    int n = rows * columns;
    long before = beforeRows("normalise", rows, columns, values, out, n);
    ops.normalise(rows, columns, epsilon, values, out);
    afterRows("normalise", n, values, out, n, before);
  }

  @Override
  public void matrixProduct(
      int rows,
      int inner,
      int columns,
      MemorySegment left,
      MemorySegment right,
      MemorySegment out) {
    String operation = "matrixProduct";
    int n = rows * columns;
    long ofLeft = beforeRows(operation, rows, inner, left, out, n);
    long ofRight = beforeRows(operation, inner, columns, right, out, n);
    ops.matrixProduct(rows, inner, columns, left, right, out);
    afterRows(operation, rows * inner, left, out, n, ofLeft);
    afterRows(operation, inner * columns, right, out, n, ofRight);
  }

  /** Checks a matrix that is read, and an output of {@code n} values that is other memory. */
  private static long beforeRows(
      String operation, int rows, int columns, MemorySegment values, MemorySegment out, int n) {
    Checks.count(operation, rows);
    Checks.count(operation, columns);
    int read = rows * columns;
    Checks.input(operation, "values", values, 1, read);
    Checks.memory(operation, "out", out, Lanes.padded(n));
    Checks.apart(operation, "values and out", values, Lanes.padded(read), out, Lanes.padded(n));
    return Checks.hash(values, 1, read);
  }

  private static void afterRows(
      String operation, int read, MemorySegment values, MemorySegment out, int n, long before) {
    Checks.unwritten(operation, "values", before, Checks.hash(values, 1, read));
    Checks.finite(operation, "out", out, 1, n);
  }

  @Override
  public void choose(
      int n, MemorySegment condition, MemorySegment yes, MemorySegment no, MemorySegment out) {
    long before = before("choose", n, condition, yes, no, out);
    ops.choose(n, condition, yes, no, out);
    after("choose", n, condition, yes, no, out, before);
  }

  @Override
  public void flush(int n, MemorySegment values, MemorySegment out) {
    long before = before("flush", n, values, values, values, out);
    ops.flush(n, values, out);
    after("flush", n, values, values, values, out, before);
  }

  @Override
  public void spread(int n, int blockUnits, MemorySegment values, MemorySegment out) {
    String operation = "spread";
    Checks.count(operation, n);
    if (blockUnits < 1) {
      throw new AssertionError("%s: blocks of %d units".formatted(operation, blockUnits));
    }
    int blocks = Math.ceilDiv(n, blockUnits);
    Checks.input(operation, "values", values, 1, blocks);
    Checks.memory(operation, "out", out, Lanes.padded(n));
    Checks.apart(operation, "values and out", values, Lanes.padded(blocks), out, Lanes.padded(n));
    long before = Checks.hash(values, 1, blocks);
    ops.spread(n, blockUnits, values, out);
    Checks.unwritten(operation, "values", before, Checks.hash(values, 1, blocks));
    Checks.finite(operation, "out", out, 1, n);
  }

  @Override
  public void softmax(int n, MemorySegment values, MemorySegment out) {
    long before = before("softmax", n, values, values, values, out);
    ops.softmax(n, values, out);
    after("softmax", n, values, values, values, out, before);
    for (int i = n; i < Lanes.padded(n); i++) {
      if (out.getAtIndex(JAVA_INT, i) != 0) {
        throw new AssertionError(
            "softmax: %s in the padding at %d".formatted(out.getAtIndex(JAVA_FLOAT, i), i));
      }
    }
  }

  /**
   * Checks the arguments; an operation of fewer inputs names one again.
   *
   * @return the hash of the inputs that are not the output
   */
  private static long before(
      String operation,
      int n,
      MemorySegment first,
      MemorySegment second,
      MemorySegment third,
      MemorySegment out) {
    Checks.count(operation, n);
    Checks.input(operation, "input 0", first, 1, n);
    Checks.input(operation, "input 1", second, 1, n);
    Checks.input(operation, "input 2", third, 1, n);
    Checks.memory(operation, "out", out, Lanes.padded(n));
    Checks.sameOrApart(operation, "input 0 and out", first, out, n);
    Checks.sameOrApart(operation, "input 1 and out", second, out, n);
    Checks.sameOrApart(operation, "input 2 and out", third, out, n);
    return hash(n, first, second, third, out);
  }

  private static void after(
      String operation,
      int n,
      MemorySegment first,
      MemorySegment second,
      MemorySegment third,
      MemorySegment out,
      long before) {
    Checks.unwritten(operation, "an input", before, hash(n, first, second, third, out));
    Checks.finite(operation, "out", out, 1, n);
  }

  private static long hash(
      int n, MemorySegment first, MemorySegment second, MemorySegment third, MemorySegment out) {
    return 31 * (31 * hash(n, first, out) + hash(n, second, out)) + hash(n, third, out);
  }

  private static long hash(int n, MemorySegment input, MemorySegment out) {
    return input.address() == out.address() ? 0 : Checks.hash(input, 1, n);
  }
}
