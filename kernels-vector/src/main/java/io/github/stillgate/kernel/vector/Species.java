package io.github.stillgate.kernel.vector;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/** The vector width of this JVM, fixed when the class is loaded. */
final class Species {
  /**
   * 128, 256 or 512 bits. Follows {@code -XX:MaxVectorSize}. Wider registers, which SVE may have,
   * are used in part: the partial sums of a row are 32, and no layout has room for a wider store.
   */
  static final VectorSpecies<Float> SPECIES =
      FloatVector.SPECIES_PREFERRED.vectorBitSize() > 512
          ? FloatVector.SPECIES_512
          : FloatVector.SPECIES_PREFERRED;

  static final int BITS = SPECIES.vectorBitSize();

  /** Floats in a vector. */
  static final int COUNT = SPECIES.length();

  static final int BYTES = 4 * COUNT;
  static final ByteOrder ORDER = ByteOrder.nativeOrder();

  private Species() {}
}
