package io.github.stillgate.kernel.ffm;

import java.lang.invoke.MethodHandle;

/**
 * The C kernels on vectors as method handles, one a line as in {@code native/include/stillgate.h}.
 *
 * <p>Memory is passed as plain addresses: a segment of a shared arena costs 23 ns a call for its
 * reference count, an address nothing. That is safe because a plan frees its memory only when no
 * step is running (OneThread), and the stream keeps its own memory reachable until the step is
 * over.
 */
final class Kernels {
  private static final MethodHandle SELECT_POSITIVE = NativeLibrary.handle(Export.SELECT_POSITIVE);
  private static final MethodHandle ADD = NativeLibrary.handle(Export.ADD);
  private static final MethodHandle SUBTRACT = NativeLibrary.handle(Export.SUBTRACT);
  private static final MethodHandle MULTIPLY = NativeLibrary.handle(Export.MULTIPLY);
  private static final MethodHandle MULTIPLY_ADD = NativeLibrary.handle(Export.MULTIPLY_ADD);
  private static final MethodHandle APPLY = NativeLibrary.handle(Export.APPLY);
  private static final MethodHandle GATHER = NativeLibrary.handle(Export.GATHER);
  private static final MethodHandle CHOOSE = NativeLibrary.handle(Export.CHOOSE);
  private static final MethodHandle FLUSH = NativeLibrary.handle(Export.FLUSH);
  private static final MethodHandle SPREAD = NativeLibrary.handle(Export.SPREAD);
  private static final MethodHandle SOFTMAX = NativeLibrary.handle(Export.SOFTMAX);
  private static final MethodHandle PREACTIVATE = NativeLibrary.handle(Export.PREACTIVATE);
  private static final MethodHandle CONDITIONAL_GRU = NativeLibrary.handle(Export.CONDITIONAL_GRU);
  private static final MethodHandle GRU = NativeLibrary.handle(Export.GRU);
  private static final MethodHandle BIASED_GRU = NativeLibrary.handle(Export.BIASED_GRU);
  private static final MethodHandle CARRY = NativeLibrary.handle(Export.CARRY);
  private static final MethodHandle BLEND = NativeLibrary.handle(Export.BLEND);
  private static final MethodHandle FLOAT_ENVIRONMENT =
      NativeLibrary.handle(Export.FLOAT_ENVIRONMENT);

  private Kernels() {}

  static int selectPositive(long n, long scores, long indices) {
    try {
      return (int) (long) SELECT_POSITIVE.invokeExact(n, scores, indices);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void add(long padded, long left, long right, long out) {
    try {
      ADD.invokeExact(padded, left, right, out);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void subtract(long padded, long left, long right, long out) {
    try {
      SUBTRACT.invokeExact(padded, left, right, out);
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

  static void multiplyAdd(long padded, long left, long right, long addend, long out) {
    try {
      MULTIPLY_ADD.invokeExact(padded, left, right, addend, out);
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

  static void gather(long ranges, long table, long values, long out) {
    try {
      GATHER.invokeExact(ranges, table, values, out);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void choose(long padded, long condition, long yes, long no, long out) {
    try {
      CHOOSE.invokeExact(padded, condition, yes, no, out);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void flush(long padded, long values, long out) {
    try {
      FLUSH.invokeExact(padded, values, out);
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

  static void softmax(long n, long padded, long values, long out) {
    try {
      SOFTMAX.invokeExact(n, padded, values, out);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void preactivate(long padded, long x, long h, long bias, long out) {
    try {
      PREACTIVATE.invokeExact(padded, x, h, bias, out);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void conditionalGru(long padded, long z, long x, long h, long bias, long state) {
    try {
      CONDITIONAL_GRU.invokeExact(padded, z, x, h, bias, state);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void gru(long n, long padded, long x, long h, long bias, long state) {
    try {
      GRU.invokeExact(n, padded, x, h, bias, state);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void biasedGru(long n, long padded, long x, long h, long bias, long inner, long state) {
    try {
      BIASED_GRU.invokeExact(n, padded, x, h, bias, inner, state);
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

  static void blend(long padded, long z, long c, long state) {
    try {
      BLEND.invokeExact(padded, z, c, state);
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

  /** For what cannot happen. */
  static AssertionError unexpected(Throwable e) {
    return new AssertionError("a C kernel throws nothing", e);
  }
}
