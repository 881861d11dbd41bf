package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/**
 * What the checked forms of operations look at before and after each call. A breach is an {@link
 * AssertionError} that names operation and argument; a call that finds none allocates nothing.
 */
final class Checks {
  private Checks() {}

  /** {@code n} is at least 1. */
  static void count(String operation, int n) {
    if (n < 1) {
      throw new AssertionError("%s: %d elements".formatted(operation, n));
    }
  }

  /** {@code memory} is aligned and holds {@code floats}. */
  static void memory(String operation, String what, MemorySegment memory, long floats) {
    if (memory.address() % Lanes.ALIGNMENT != 0 || memory.byteSize() < 4 * floats) {
      throw new AssertionError(
          "%s: %s has %d bytes at %#x; needed are %d, aligned to %d"
              .formatted(
                  operation,
                  what,
                  memory.byteSize(),
                  memory.address(),
                  4 * floats,
                  Lanes.ALIGNMENT));
    }
  }

  /** {@code memory} holds {@code floats}, wherever it begins. */
  static void room(String operation, String what, MemorySegment memory, long floats) {
    if (memory.byteSize() < 4 * floats) {
      throw new AssertionError(
          "%s: %s has %d bytes; needed are %d"
              .formatted(operation, what, memory.byteSize(), 4 * floats));
    }
  }

  /** {@code rows} rows of {@code n} floats each, as an argument must be: in memory, and finite. */
  static void input(String operation, String what, MemorySegment values, int rows, int n) {
    memory(operation, what, values, (long) rows * Lanes.padded(n));
    finite(operation, what, values, rows, n);
  }

  /** The first {@code n} floats of each row are finite. */
  static void finite(String operation, String what, MemorySegment values, int rows, int n) {
    int stride = Lanes.padded(n);
    for (int row = 0; row < rows; row++) {
      for (int i = row * stride; i < row * stride + n; i++) {
        if (!Float.isFinite(values.getAtIndex(JAVA_FLOAT, i))) {
          throw new AssertionError(
              "%s: %s is %s at %d".formatted(operation, what, values.getAtIndex(JAVA_FLOAT, i), i));
        }
      }
    }
  }

  /** Two pieces of memory have nothing in common. */
  static void apart(
      String operation,
      String what,
      MemorySegment left,
      long leftFloats,
      MemorySegment right,
      long rightFloats) {
    if (left.address() < right.address() + 4 * rightFloats
        && right.address() < left.address() + 4 * leftFloats) {
      throw new AssertionError("%s: %s: memory overlaps".formatted(operation, what));
    }
  }

  /** Two vectors of {@code n} floats are the same memory, or have nothing in common. */
  static void sameOrApart(
      String operation, String what, MemorySegment left, MemorySegment right, int n) {
    if (left.address() != right.address()) {
      apart(operation, what, left, Lanes.padded(n), right, Lanes.padded(n));
    }
  }

  /** A number that changes when one of the first {@code n} floats of a row does. */
  static long hash(MemorySegment values, int rows, int n) {
    int stride = Lanes.padded(n);
    long hash = 0;
    for (int row = 0; row < rows; row++) {
      for (int i = row * stride; i < row * stride + n; i++) {
        hash = 31 * hash + values.getAtIndex(JAVA_INT, i);
      }
    }
    return hash;
  }

  /** What an operation was to leave alone has the hash it had. */
  static void unwritten(String operation, String what, long before, long after) {
    if (before != after) {
      throw new AssertionError("%s: %s was written".formatted(operation, what));
    }
  }
}
