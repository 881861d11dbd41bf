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
  MULTIPLY_ROWS_F32(4),
  MULTIPLY_ROWS_BATCH_F32(7),
  MULTIPLY_ALL_ROWS_BATCH_F32(6),
  MULTIPLY_PANELS_F32(4),
  MULTIPLY_PANELS_BATCH_F32(7),
  MULTIPLY_ROWS_BF16(4),
  MULTIPLY_ROWS_BATCH_BF16(7),
  MULTIPLY_ALL_ROWS_BATCH_BF16(6),
  MULTIPLY_PANELS_BF16(4),
  MULTIPLY_PANELS_BATCH_BF16(7),
  SEND_INT8(
      "sg_send_int8",
      FunctionDescriptor.of(
          JAVA_LONG,
          JAVA_LONG,
          JAVA_FLOAT,
          JAVA_FLOAT,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG)),
  ROUND_INT8(
      "sg_round_int8",
      FunctionDescriptor.of(JAVA_FLOAT, JAVA_LONG, JAVA_FLOAT, JAVA_LONG, JAVA_LONG)),
  MULTIPLY_TILES(
      "sg_multiply_tiles",
      FunctionDescriptor.ofVoid(
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_LONG,
          JAVA_FLOAT,
          JAVA_LONG)),
  ROUND_BYTES(
      "sg_round_bytes",
      FunctionDescriptor.of(JAVA_FLOAT, JAVA_LONG, JAVA_FLOAT, JAVA_LONG, JAVA_LONG)),
  MULTIPLY_ROWS_I8(
      "sg_multiply_rows_i8",
      FunctionDescriptor.ofVoid(
          JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_FLOAT, JAVA_LONG)),
  SELECT_POSITIVE("sg_select_positive", FunctionDescriptor.of(JAVA_LONG, longs(3))),
  ADD(4),
  SUBTRACT(4),
  MULTIPLY(4),
  MULTIPLY_ADD(5),
  APPLY(
      "sg_apply",
      FunctionDescriptor.ofVoid(
          JAVA_LONG, JAVA_FLOAT, JAVA_FLOAT, JAVA_LONG, JAVA_LONG, JAVA_LONG)),
  GATHER(4),
  CHOOSE(5),
  FLUSH(3),
  SPREAD(4),
  SOFTMAX(4),
  PREACTIVATE(5),
  CONDITIONAL_GRU(6),
  GRU(6),
  BIASED_GRU(7),
  CARRY(5),
  BLEND(4);

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
