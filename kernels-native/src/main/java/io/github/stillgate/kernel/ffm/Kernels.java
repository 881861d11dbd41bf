package io.github.stillgate.kernel.ffm;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * The C kernels as method handles, one a line as in {@code native/include/stillgate.h}.
 *
 * <p>Memory is passed as plain addresses: a segment of a shared arena costs 23 ns a call for its
 * reference count, an address nothing. That is safe because a plan frees its memory only when no
 * step is running (OneThread), and the stream keeps its own memory reachable until the step is
 * over.
 */
final class Kernels {
  private static final MethodHandle MULTIPLY_ROWS = NativeLibrary.handle(Export.MULTIPLY_ROWS);
  private static final MethodHandle MULTIPLY_ROWS_BATCH =
      NativeLibrary.handle(Export.MULTIPLY_ROWS_BATCH);
  private static final MethodHandle MULTIPLY_ALL_ROWS_BATCH =
      NativeLibrary.handle(Export.MULTIPLY_ALL_ROWS_BATCH);
  private static final MethodHandle MULTIPLY_BLOCKS = NativeLibrary.handle(Export.MULTIPLY_BLOCKS);
  private static final MethodHandle MULTIPLY_BLOCKS_BATCH =
      NativeLibrary.handle(Export.MULTIPLY_BLOCKS_BATCH);
  private static final MethodHandle SELECT_POSITIVE = NativeLibrary.handle(Export.SELECT_POSITIVE);
  private static final MethodHandle ADD = NativeLibrary.handle(Export.ADD);
  private static final MethodHandle RELU = NativeLibrary.handle(Export.RELU);
  private static final MethodHandle ADD_BOTH = NativeLibrary.handle(Export.ADD_BOTH);
  private static final MethodHandle CLIPPED_TANH = NativeLibrary.handle(Export.CLIPPED_TANH);
  private static final MethodHandle SPREAD = NativeLibrary.handle(Export.SPREAD);
  private static final MethodHandle SCALE_BY_SIGMOID =
      NativeLibrary.handle(Export.SCALE_BY_SIGMOID);
  private static final MethodHandle CONDITIONAL_GRU = NativeLibrary.handle(Export.CONDITIONAL_GRU);
  private static final MethodHandle GRU = NativeLibrary.handle(Export.GRU);
  private static final MethodHandle APPLY = NativeLibrary.handle(Export.APPLY);
  private static final MethodHandle MULTIPLY = NativeLibrary.handle(Export.MULTIPLY);
  private static final MethodHandle ADD_PRODUCT = NativeLibrary.handle(Export.ADD_PRODUCT);
  private static final MethodHandle CARRY = NativeLibrary.handle(Export.CARRY);
  private static final MethodHandle BLEND = NativeLibrary.handle(Export.BLEND);
  private static final MethodHandle SOFTMAX = NativeLibrary.handle(Export.SOFTMAX);
  private static final MethodHandle FLOAT_ENVIRONMENT =
      NativeLibrary.handle(Export.FLOAT_ENVIRONMENT);

  private Kernels() {}

  static long address(@Nullable MemorySegment segment) {
    return segment == null ? 0 : segment.address();
  }

  static void multiplyRows(
      long pack, long groups, long count, long state, long stateSums, long input, long inputSums) {
    try {
      MULTIPLY_ROWS.invokeExact(pack, groups, count, state, stateSums, input, inputSums);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void multiplyRowsBatch(
      long pack, long groups, long starts, long members, long addresses, long capacity) {
    try {
      MULTIPLY_ROWS_BATCH.invokeExact(pack, groups, starts, members, addresses, capacity);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void multiplyAllRowsBatch(
      long pack, long groups, long streams, long addresses, long capacity) {
    try {
      MULTIPLY_ALL_ROWS_BATCH.invokeExact(pack, groups, streams, addresses, capacity);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void multiplyBlocks(
      long pack, long groups, long count, long state, long stateSums, long input, long inputSums) {
    try {
      MULTIPLY_BLOCKS.invokeExact(pack, groups, count, state, stateSums, input, inputSums);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void multiplyBlocksBatch(
      long pack, long groups, long starts, long members, long addresses, long capacity) {
    try {
      MULTIPLY_BLOCKS_BATCH.invokeExact(pack, groups, starts, members, addresses, capacity);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int selectPositive(long n, long scores, long indices) {
    try {
      return (int) (long) SELECT_POSITIVE.invokeExact(n, scores, indices);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void add(long padded, long sums, long bias, long out) {
    try {
      ADD.invokeExact(padded, sums, bias, out);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void relu(long padded, long stateSums, long inputSums, long bias, long out) {
    try {
      RELU.invokeExact(padded, stateSums, inputSums, bias, out);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void addBoth(long padded, long stateSums, long inputSums, long bias, long out) {
    try {
      ADD_BOTH.invokeExact(padded, stateSums, inputSums, bias, out);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void clippedTanh(long padded, long scores, long out) {
    try {
      CLIPPED_TANH.invokeExact(padded, scores, out);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void spread(long n, long blockUnits, long values, long out) {
    try {
      SPREAD.invokeExact(n, blockUnits, values, out);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void scaleBySigmoid(long padded, long sums, long bias, long gates) {
    try {
      SCALE_BY_SIGMOID.invokeExact(padded, sums, bias, gates);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void conditionalGru(
      long padded, long z, long stateSums, long inputSums, long bias, long h) {
    try {
      CONDITIONAL_GRU.invokeExact(padded, z, stateSums, inputSums, bias, h);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void gru(long padded, long stateSums, long inputSums, long bias, long h) {
    try {
      GRU.invokeExact(padded, stateSums, inputSums, bias, h);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void apply(long function, float a, float b, long padded, long values, long out) {
    try {
      APPLY.invokeExact(function, a, b, padded, values, out);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void multiply(long padded, long left, long right, long out) {
    try {
      MULTIPLY.invokeExact(padded, left, right, out);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void addProduct(long padded, long left, long right, long out) {
    try {
      ADD_PRODUCT.invokeExact(padded, left, right, out);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void carry(long padded, long keep, long gate, long value, long state) {
    try {
      CARRY.invokeExact(padded, keep, gate, value, state);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void blend(long padded, long z, long c, long h) {
    try {
      BLEND.invokeExact(padded, z, c, h);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void softmax(long n, long padded, long sums, long bias, long out) {
    try {
      SOFTMAX.invokeExact(n, padded, sums, bias, out);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** The sum of the bits in {@code native/include/stillgate.h} that hold for this thread. */
  static long floatEnvironment() {
    try {
      return (long) FLOAT_ENVIRONMENT.invokeExact();
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  private static AssertionError unexpected(Throwable e) {
    return new AssertionError("a C kernel throws nothing", e);
  }
}
