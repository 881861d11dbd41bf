package io.github.stillgate.kernel.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.util.Arrays;
import java.util.Locale;

/**
 * What {@code native/include/stillgate.h} exports, with the shapes of the calls. Addresses are
 * passed as longs.
 */
enum Export {
  ABI_VERSION("stillgate_abi_version", FunctionDescriptor.of(JAVA_LONG)),
  CHOOSE_TIER("sg_choose_tier", FunctionDescriptor.of(ADDRESS, ADDRESS)),
  FLOAT_ENVIRONMENT("sg_float_environment", FunctionDescriptor.of(JAVA_LONG)),
  MULTIPLY_ROWS(7),
  MULTIPLY_ROWS_BATCH(6),
  MULTIPLY_ALL_ROWS_BATCH(5),
  MULTIPLY_BLOCKS(7),
  MULTIPLY_BLOCKS_BATCH(6),
  SELECT_POSITIVE("sg_select_positive", FunctionDescriptor.of(JAVA_LONG, longs(3))),
  ADD(4),
  RELU(5),
  ADD_BOTH(5),
  CLIPPED_TANH(3),
  SPREAD(4),
  SCALE_BY_SIGMOID(4),
  CONDITIONAL_GRU(6),
  GRU(5),
  APPLY(
      "sg_apply",
      FunctionDescriptor.ofVoid(
          JAVA_LONG, JAVA_FLOAT, JAVA_FLOAT, JAVA_LONG, JAVA_LONG, JAVA_LONG)),
  MULTIPLY(4),
  ADD_PRODUCT(4),
  CARRY(5),
  BLEND(4),
  SOFTMAX(5);

  private final String symbol;
  private final FunctionDescriptor descriptor;

  /** A kernel of this name with some longs and without a result. */
  Export(int arguments) {
    this.symbol = "sg_" + name().toLowerCase(Locale.ROOT);
    this.descriptor = FunctionDescriptor.ofVoid(longs(arguments));
  }

  Export(String symbol, FunctionDescriptor descriptor) {
    this.symbol = symbol;
    this.descriptor = descriptor;
  }

  /** Its name in the library. */
  String symbol() {
    return symbol;
  }

  FunctionDescriptor descriptor() {
    return descriptor;
  }

  private static MemoryLayout[] longs(int count) {
    MemoryLayout[] layouts = new MemoryLayout[count];
    Arrays.fill(layouts, JAVA_LONG);
    return layouts;
  }
}
