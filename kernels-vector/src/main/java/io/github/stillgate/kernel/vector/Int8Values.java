package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Memory.ALL;
import static io.github.stillgate.kernel.vector.Species.BYTES;
import static io.github.stillgate.kernel.vector.Species.ORDER;
import static io.github.stillgate.kernel.vector.Species.SPECIES;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.github.stillgate.core.kernel.Int8;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.PackedWeights;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Values of operands as int8: {@link Int8}. Addresses are of padded vectors. */
final class Int8Values {
  /** A register of products of 16 bits. */
  static final VectorSpecies<Short> PRODUCTS = VectorSpecies.of(short.class, SPECIES.vectorShape());

  /** The weights that become one. */
  static final VectorSpecies<Byte> WEIGHTS =
      VectorSpecies.of(byte.class, VectorShape.forBitSize(SPECIES.vectorBitSize() / 2));

  /** A register of sums. */
  static final VectorSpecies<Integer> SUMS = VectorSpecies.of(int.class, SPECIES.vectorShape());

  private static final FloatVector ROUNDING = FloatVector.broadcast(SPECIES, Int8.ROUNDING);
  private static final FloatVector LARGEST = FloatVector.broadcast(SPECIES, Int8.LARGEST);
  private static final FloatVector SMALLEST = LARGEST.neg();
  private static final IntVector ROUNDING_BITS = ROUNDING.reinterpretAsInts();

  private Int8Values() {}

  /** The scale of an operand that has these values now. */
  static float scale(PackedWeights weights, int operand, long values) {
    float fixed = weights.operandScale(operand);
    if (fixed != 0) {
      return fixed;
    }
    int bytes = 4 * Lanes.padded(weights.layout().part(operand).columns());
    FloatVector largest = FloatVector.zero(SPECIES);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector v = FloatVector.fromMemorySegment(SPECIES, ALL, values + at, ORDER).abs();
      largest = largest.blend(v, v.compare(VectorOperators.GT, largest));
    }
    // The largest of some numbers does not depend on their order.
    return Int8.scale(largest.reduceLanes(VectorOperators.MAX));
  }

  private static FloatVector rounded(long values, FloatVector inverse) {
    FloatVector v = FloatVector.fromMemorySegment(SPECIES, ALL, values, ORDER);
    v = v.mul(inverse).add(ROUNDING).sub(ROUNDING);
    v = v.blend(LARGEST, v.compare(VectorOperators.GT, LARGEST));
    return v.blend(SMALLEST, v.compare(VectorOperators.LT, SMALLEST));
  }

  private static IntVector integers(FloatVector whole) {
    return whole.add(ROUNDING).reinterpretAsInts().sub(ROUNDING_BITS);
  }

  /** The values as integers of 32 bits. */
  static void round(int columns, float inverse, long values, long integers) {
    long from = Memory.at(values);
    long to = Memory.at(integers);
    int bytes = 4 * Lanes.padded(columns);
    FloatVector by = FloatVector.broadcast(SPECIES, inverse);
    for (int at = 0; at < bytes; at += BYTES) {
      integers(rounded(from + at, by)).intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  /** Integers of 32 bits as such of 16 bits, filled up with zeros. */
  static void narrow(int columns, int padded, long integers, long shorts) {
    for (int column = 0; column < columns; column++) {
      ALL.set(JAVA_SHORT, shorts + 2L * column, (short) ALL.get(JAVA_INT, integers + 4L * column));
    }
    for (int column = columns; column < padded; column++) {
      ALL.set(JAVA_SHORT, shorts + 2L * column, (short) 0);
    }
  }

  /** Leaves in {@code changes} by how much each rounded value differs from {@code before}. */
  static void difference(int columns, float inverse, long values, long before, long changes) {
    long from = Memory.at(values);
    long former = Memory.at(before);
    long to = Memory.at(changes);
    int bytes = 4 * Lanes.padded(columns);
    FloatVector by = FloatVector.broadcast(SPECIES, inverse);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector was = FloatVector.fromMemorySegment(SPECIES, ALL, former + at, ORDER);
      integers(rounded(from + at, by).sub(was)).intoMemorySegment(ALL, to + at, ORDER);
    }
  }
}
