package io.github.stillgate.contract;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;

/** Comparison of floats bit for bit: +0 and -0 differ. */
final class Bits {
  private Bits() {}

  /** Fails unless {@code actual} begins with {@code expected}. */
  static void assertEqual(MemorySegment actual, float[] expected, String what, Object... details) {
    long at =
        MemorySegment.mismatch(
            actual,
            0,
            4L * expected.length,
            MemorySegment.ofArray(expected),
            0,
            4L * expected.length);
    if (at >= 0) {
      int i = (int) (at / 4);
      float found = actual.getAtIndex(JAVA_FLOAT, i);
      throw new AssertionError(
          "%s: element %d is %s (%08x), expected %s (%08x)"
              .formatted(
                  what.formatted(details),
                  i,
                  found,
                  Float.floatToRawIntBits(found),
                  expected[i],
                  Float.floatToRawIntBits(expected[i])));
    }
  }

  /** The first {@code count} floats of {@code segment}. */
  static float[] floats(MemorySegment segment, int count) {
    float[] floats = new float[count];
    MemorySegment.copy(segment, JAVA_FLOAT, 0, floats, 0, count);
    return floats;
  }

  /** What stands at index i. */
  interface Element {
    float at(int i);
  }

  /** {@code count} floats. */
  static float[] floats(int count, Element element) {
    float[] floats = new float[count];
    for (int i = 0; i < count; i++) {
      floats[i] = element.at(i);
    }
    return floats;
  }

  /** Writes {@code values} to the beginning of {@code segment}. */
  static void put(MemorySegment segment, float... values) {
    MemorySegment.copy(values, 0, segment, JAVA_FLOAT, 0, values.length);
  }

  /** Writes {@code value} to all of {@code segment}. */
  static void fill(MemorySegment segment, float value) {
    for (long i = 0; i < segment.byteSize() / 4; i++) {
      segment.setAtIndex(JAVA_FLOAT, i, value);
    }
  }
}
