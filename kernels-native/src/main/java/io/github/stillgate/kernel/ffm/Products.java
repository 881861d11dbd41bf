package io.github.stillgate.kernel.ffm;

import io.github.stillgate.core.kernel.WeightFormat;

/**
 * The C kernels that multiply packs of one weight format, as in {@code native/include/stillgate.h}.
 * Addresses are passed as longs. A class for each format, whose method handles are constants, so
 * that a call is compiled to a call.
 */
interface Products {
  /** Those of {@code format}. */
  static Products of(WeightFormat format) {
    return switch (format) {
      case F32 -> new ProductsF32();
      case BF16 -> new ProductsBf16();
      case I8 -> throw new IllegalArgumentException("int8 is multiplied in tiles");
    };
  }

  void multiplyRows(long pack, long groups, long count, long addresses);

  void multiplyRowsBatch(
      long pack, long from, long to, long starts, long members, long addresses, long capacity);

  void multiplyAllRowsBatch(
      long pack, long from, long to, long streams, long addresses, long capacity);

  void multiplyPanels(long pack, long groups, long count, long addresses);

  void multiplyPanelsBatch(
      long pack, long from, long to, long starts, long members, long addresses, long capacity);
}
