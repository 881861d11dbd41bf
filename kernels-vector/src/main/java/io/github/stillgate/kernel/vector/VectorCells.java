package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Lanes.BYTES;
import static io.github.stillgate.kernel.vector.Lanes.COUNT;
import static io.github.stillgate.kernel.vector.Lanes.ORDER;
import static io.github.stillgate.kernel.vector.Lanes.SPECIES;
import static io.github.stillgate.kernel.vector.Memory.ALL;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.kernel.Pointwise;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The formulas of {@link Cells} a register of units at a time; the padding makes tails needless.
 */
final class VectorCells implements Cells {
  static final VectorCells INSTANCE = new VectorCells();

  private static final FloatVector ZERO = FloatVector.zero(SPECIES);
  private static final FloatVector ONE = FloatVector.broadcast(SPECIES, 1f);
  private static final FloatVector FLUSH_BELOW =
      FloatVector.broadcast(SPECIES, Elementary.FLUSH_BELOW);
  private static final VectorSpecies<Float> S128 = FloatVector.SPECIES_128;

  private VectorCells() {}

  @Override
  public void selectPositive(int n, MemorySegment scores, ActiveSet set) {
    long from = Memory.at(scores);
    long indices = Memory.at(set.indices());
    int count = 0;
    for (int i = 0; i < n; i += COUNT) {
      long live =
          FloatVector.fromMemorySegment(SPECIES, ALL, from + 4L * i, ORDER)
              .compare(VectorOperators.GT, ZERO)
              .toLong();
      if (n - i < COUNT) {
        live &= (1L << (n - i)) - 1;
      }
      while (live != 0) {
        ALL.set(JAVA_INT, indices + 4L * count++, i + Long.numberOfTrailingZeros(live));
        live &= live - 1;
      }
    }
    set.count(count);
  }

  @Override
  public void add(int n, MemorySegment sums, MemorySegment bias, MemorySegment out) {
    add(Memory.at(sums), Memory.at(bias), Memory.at(out), 4 * RowLayout.padded(n));
  }

  private static void add(long sums, long bias, long out, int bytes) {
    long v = Memory.at(sums);
    long b = Memory.at(bias);
    long to = Memory.at(out);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, v + at, ORDER)
          .add(FloatVector.fromMemorySegment(SPECIES, ALL, b + at, ORDER))
          .intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  @Override
  public void addBoth(
      int n,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment out) {
    long overState = Memory.at(stateSums);
    long overInput = Memory.at(inputSums);
    long b = Memory.at(bias);
    long to = Memory.at(out);
    int bytes = 4 * RowLayout.padded(n);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, overInput + at, ORDER)
          .add(FloatVector.fromMemorySegment(SPECIES, ALL, overState + at, ORDER))
          .add(FloatVector.fromMemorySegment(SPECIES, ALL, b + at, ORDER))
          .intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  @Override
  public void relu(
      int n,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment out) {
    addBoth(n, stateSums, inputSums, bias, out);
    keepPositive(4 * RowLayout.padded(n), Memory.at(out), Memory.at(out));
  }

  /** {@code v = where > 0 ? v : +0}. */
  private static void keepPositive(int bytes, long values, long where) {
    long v = Memory.at(values);
    long w = Memory.at(where);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector condition = FloatVector.fromMemorySegment(SPECIES, ALL, w + at, ORDER);
      ZERO.blend(
              FloatVector.fromMemorySegment(SPECIES, ALL, v + at, ORDER),
              condition.compare(VectorOperators.GT, ZERO))
          .intoMemorySegment(ALL, v + at, ORDER);
    }
  }

  @Override
  public void clippedTanh(int n, MemorySegment scores, MemorySegment out) {
    int bytes = 4 * RowLayout.padded(n);
    VectorElementary.tanh(Memory.at(scores), bytes, Memory.at(out));
    keepPositive(bytes, Memory.at(out), Memory.at(scores));
  }

  @Override
  public void spread(int n, int blockUnits, MemorySegment values, MemorySegment out) {
    long from = Memory.at(values);
    long to = Memory.at(out);
    for (int block = 0; block < n / blockUnits; block++) {
      float value = ALL.get(JAVA_FLOAT, from + 4L * block);
      long at = to + 4L * block * blockUnits;
      for (int i = 0; i < blockUnits; i++) {
        ALL.set(JAVA_FLOAT, at + 4L * i, value);
      }
    }
  }

  @Override
  public void scaleBySigmoid(int n, MemorySegment sums, MemorySegment bias, MemorySegment gates) {
    int bytes = 4 * RowLayout.padded(n);
    long s = Memory.at(sums);
    long b = Memory.at(bias);
    long g = Memory.at(gates);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, s + at, ORDER)
          .add(FloatVector.fromMemorySegment(SPECIES, ALL, b + at, ORDER))
          .neg()
          .intoMemorySegment(ALL, s + at, ORDER);
    }
    VectorElementary.sigmoidOfNegated(s, bytes);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, g + at, ORDER)
          .mul(FloatVector.fromMemorySegment(SPECIES, ALL, s + at, ORDER))
          .intoMemorySegment(ALL, g + at, ORDER);
    }
  }

  @Override
  public void conditionalGru(
      int n,
      MemorySegment z,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment h) {
    int bytes = 4 * RowLayout.padded(n);
    long sums = Memory.at(stateSums);
    resetThenCandidate(bytes, sums, Memory.at(inputSums), Memory.at(bias));
    blendLive(bytes, Memory.at(z), sums + bytes, Memory.at(h));
  }

  @Override
  public void gru(
      int n,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment h) {
    int bytes = 4 * RowLayout.padded(n);
    long sums = Memory.at(stateSums);
    sigmoid(bytes, sums, Memory.at(inputSums), Memory.at(bias));
    resetThenCandidate(bytes, sums + bytes, Memory.at(inputSums) + bytes, Memory.at(bias) + bytes);
    blendAll(bytes, sums, sums + 2L * bytes, Memory.at(h));
  }

  /** Replaces the state sums of one row kind by sigmoid(inputSums + stateSums + bias). */
  private static void sigmoid(int bytes, long stateSums, long inputSums, long bias) {
    long overState = Memory.at(stateSums);
    long overInput = Memory.at(inputSums);
    long b = Memory.at(bias);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, overInput + at, ORDER)
          .add(FloatVector.fromMemorySegment(SPECIES, ALL, overState + at, ORDER))
          .add(FloatVector.fromMemorySegment(SPECIES, ALL, b + at, ORDER))
          .neg()
          .intoMemorySegment(ALL, overState + at, ORDER);
    }
    VectorElementary.sigmoidOfNegated(overState, bytes);
  }

  /**
   * With the row kinds r and c one after the other, replaces the second by tanh(fma(r, state,
   * input) + bias); r is gone afterwards. The sums of still units go through this step after step;
   * both stay bounded.
   */
  private static void resetThenCandidate(int bytes, long stateSums, long inputSums, long bias) {
    sigmoid(bytes, stateSums, inputSums, bias);
    long r = Memory.at(stateSums);
    long c = Memory.at(stateSums + bytes);
    long overInput = Memory.at(inputSums + bytes);
    long b = Memory.at(bias + bytes);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, r + at, ORDER)
          .fma(
              FloatVector.fromMemorySegment(SPECIES, ALL, c + at, ORDER),
              FloatVector.fromMemorySegment(SPECIES, ALL, overInput + at, ORDER))
          .add(FloatVector.fromMemorySegment(SPECIES, ALL, b + at, ORDER))
          .intoMemorySegment(ALL, r + at, ORDER);
    }
    VectorElementary.tanh(r, bytes, c);
  }

  /** h = z > 0 ? flush(fma(z, c - h, h)) : h. */
  private static void blendLive(int bytes, long gates, long candidates, long states) {
    long z = Memory.at(gates);
    long c = Memory.at(candidates);
    long h = Memory.at(states);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector gate = FloatVector.fromMemorySegment(SPECIES, ALL, z + at, ORDER);
      FloatVector before = FloatVector.fromMemorySegment(SPECIES, ALL, h + at, ORDER);
      FloatVector after =
          gate.fma(FloatVector.fromMemorySegment(SPECIES, ALL, c + at, ORDER).sub(before), before);
      after = after.blend(ZERO, after.abs().compare(VectorOperators.LT, FLUSH_BELOW));
      before
          .blend(after, gate.compare(VectorOperators.GT, ZERO))
          .intoMemorySegment(ALL, h + at, ORDER);
    }
  }

  /** h = flush(fma(z, c - h, h)). */
  private static void blendAll(int bytes, long gates, long candidates, long states) {
    long z = Memory.at(gates);
    long c = Memory.at(candidates);
    long h = Memory.at(states);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector before = FloatVector.fromMemorySegment(SPECIES, ALL, h + at, ORDER);
      FloatVector after =
          FloatVector.fromMemorySegment(SPECIES, ALL, z + at, ORDER)
              .fma(FloatVector.fromMemorySegment(SPECIES, ALL, c + at, ORDER).sub(before), before);
      after
          .blend(ZERO, after.abs().compare(VectorOperators.LT, FLUSH_BELOW))
          .intoMemorySegment(ALL, h + at, ORDER);
    }
  }

  @Override
  public void apply(
      Pointwise function, float a, float b, int n, MemorySegment values, MemorySegment out) {
    int bytes = 4 * RowLayout.padded(n);
    long from = Memory.at(values);
    long to = Memory.at(out);
    switch (function) {
      case SIGMOID -> {
        affine(-1f, -0f, bytes, from, to);
        VectorElementary.sigmoidOfNegated(to, bytes);
      }
      case TANH -> VectorElementary.tanh(from, bytes, to);
      case AFFINE -> affine(a, b, bytes, from, to);
      case CLAMP -> clamp(a, b, bytes, from, to);
      case LEAK -> leak(a, bytes, from, to);
      case THRESHOLD -> threshold(a, bytes, from, to);
      case ELU -> {
        affine(1f, -0f, bytes, from, to);
        VectorElementary.exp(to, bytes);
        elu(a, bytes, from, to);
      }
      case SOFTSIGN -> softsign(bytes, from, to);
    }
    flush(bytes, to);
  }

  private static void affine(float scale, float shift, int bytes, long values, long out) {
    long v = Memory.at(values);
    long to = Memory.at(out);
    FloatVector a = FloatVector.broadcast(SPECIES, scale);
    FloatVector b = FloatVector.broadcast(SPECIES, shift);
    for (int at = 0; at < bytes; at += BYTES) {
      a.fma(FloatVector.fromMemorySegment(SPECIES, ALL, v + at, ORDER), b)
          .intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  private static void clamp(float low, float high, int bytes, long values, long out) {
    long v = Memory.at(values);
    long to = Memory.at(out);
    FloatVector a = FloatVector.broadcast(SPECIES, low);
    FloatVector b = FloatVector.broadcast(SPECIES, high);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, v + at, ORDER);
      FloatVector below = b.blend(x, x.compare(VectorOperators.LT, b));
      a.blend(below, x.compare(VectorOperators.GT, a)).intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  private static void leak(float slope, int bytes, long values, long out) {
    long v = Memory.at(values);
    long to = Memory.at(out);
    FloatVector a = FloatVector.broadcast(SPECIES, slope);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, v + at, ORDER);
      a.mul(x).blend(x, x.compare(VectorOperators.GT, ZERO)).intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  private static void threshold(float threshold, int bytes, long values, long out) {
    long v = Memory.at(values);
    long to = Memory.at(out);
    FloatVector a = FloatVector.broadcast(SPECIES, threshold);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, v + at, ORDER);
      ZERO.blend(x, x.compare(VectorOperators.GT, a)).intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  /** {@code out} holds the exponentials already. */
  private static void elu(float scale, int bytes, long values, long out) {
    long v = Memory.at(values);
    long to = Memory.at(out);
    FloatVector a = FloatVector.broadcast(SPECIES, scale);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, v + at, ORDER);
      FloatVector.fromMemorySegment(SPECIES, ALL, to + at, ORDER)
          .sub(ONE)
          .mul(a)
          .blend(x, x.compare(VectorOperators.GT, ZERO))
          .intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  private static void softsign(int bytes, long values, long out) {
    long v = Memory.at(values);
    long to = Memory.at(out);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, v + at, ORDER);
      x.div(ONE.add(x.abs())).intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  private static void flush(int bytes, long values) {
    long v = Memory.at(values);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector x = FloatVector.fromMemorySegment(SPECIES, ALL, v + at, ORDER);
      x.blend(ZERO, x.abs().compare(VectorOperators.LT, FLUSH_BELOW))
          .intoMemorySegment(ALL, v + at, ORDER);
    }
  }

  @Override
  public void multiply(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    int bytes = 4 * RowLayout.padded(n);
    long l = Memory.at(left);
    long r = Memory.at(right);
    long to = Memory.at(out);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, l + at, ORDER)
          .mul(FloatVector.fromMemorySegment(SPECIES, ALL, r + at, ORDER))
          .intoMemorySegment(ALL, to + at, ORDER);
    }
    flush(bytes, to);
  }

  @Override
  public void addProduct(int n, MemorySegment left, MemorySegment right, MemorySegment out) {
    int bytes = 4 * RowLayout.padded(n);
    long l = Memory.at(left);
    long r = Memory.at(right);
    long to = Memory.at(out);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, l + at, ORDER)
          .fma(
              FloatVector.fromMemorySegment(SPECIES, ALL, r + at, ORDER),
              FloatVector.fromMemorySegment(SPECIES, ALL, to + at, ORDER))
          .intoMemorySegment(ALL, to + at, ORDER);
    }
  }

  @Override
  public void carry(
      int n, MemorySegment keep, MemorySegment gate, MemorySegment value, MemorySegment state) {
    int bytes = 4 * RowLayout.padded(n);
    long k = Memory.at(keep);
    long g = Memory.at(gate);
    long v = Memory.at(value);
    long c = Memory.at(state);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector added =
          FloatVector.fromMemorySegment(SPECIES, ALL, g + at, ORDER)
              .mul(FloatVector.fromMemorySegment(SPECIES, ALL, v + at, ORDER));
      FloatVector.fromMemorySegment(SPECIES, ALL, k + at, ORDER)
          .fma(FloatVector.fromMemorySegment(SPECIES, ALL, c + at, ORDER), added)
          .intoMemorySegment(ALL, c + at, ORDER);
    }
    flush(bytes, c);
  }

  @Override
  public void blend(int n, MemorySegment z, MemorySegment c, MemorySegment h) {
    blendAll(4 * RowLayout.padded(n), Memory.at(z), Memory.at(c), Memory.at(h));
  }

  @Override
  public void softmax(int n, MemorySegment sums, MemorySegment bias, MemorySegment out) {
    int bytes = 4 * RowLayout.padded(n);
    long to = Memory.at(out);
    add(Memory.at(sums), Memory.at(bias), to, bytes);
    float max = ALL.get(JAVA_FLOAT, to);
    for (int i = 1; i < n; i++) {
      float v = ALL.get(JAVA_FLOAT, to + 4L * i);
      max = v > max ? v : max;
    }
    subtract(bytes, max, to);
    VectorElementary.exp(to, bytes);
    for (int i = n; i < bytes / 4; i++) {
      ALL.set(JAVA_FLOAT, to + 4L * i, 0f);
    }
    divide(bytes, sum(bytes, to), to);
  }

  private static void subtract(int bytes, float amount, long address) {
    long values = Memory.at(address);
    FloatVector amounts = FloatVector.broadcast(SPECIES, amount);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, values + at, ORDER)
          .sub(amounts)
          .intoMemorySegment(ALL, values + at, ORDER);
    }
  }

  private static void divide(int bytes, float divisor, long address) {
    long values = Memory.at(address);
    FloatVector divisors = FloatVector.broadcast(SPECIES, divisor);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector.fromMemorySegment(SPECIES, ALL, values + at, ORDER)
          .div(divisors)
          .intoMemorySegment(ALL, values + at, ORDER);
    }
  }

  /** 128-bit registers on every machine: eight hold the 32 partial sums, and the tree is short. */
  private static float sum(int bytes, long address) {
    long values = Memory.at(address);
    FloatVector p0 = FloatVector.zero(S128);
    FloatVector p1 = FloatVector.zero(S128);
    FloatVector p2 = FloatVector.zero(S128);
    FloatVector p3 = FloatVector.zero(S128);
    FloatVector p4 = FloatVector.zero(S128);
    FloatVector p5 = FloatVector.zero(S128);
    FloatVector p6 = FloatVector.zero(S128);
    FloatVector p7 = FloatVector.zero(S128);
    for (int at = 0; at < bytes; at += 4 * RowLayout.LANES) {
      p0 = p0.add(FloatVector.fromMemorySegment(S128, ALL, values + at, ORDER));
      p1 = p1.add(FloatVector.fromMemorySegment(S128, ALL, values + at + 16, ORDER));
      p2 = p2.add(FloatVector.fromMemorySegment(S128, ALL, values + at + 32, ORDER));
      p3 = p3.add(FloatVector.fromMemorySegment(S128, ALL, values + at + 48, ORDER));
      p4 = p4.add(FloatVector.fromMemorySegment(S128, ALL, values + at + 64, ORDER));
      p5 = p5.add(FloatVector.fromMemorySegment(S128, ALL, values + at + 80, ORDER));
      p6 = p6.add(FloatVector.fromMemorySegment(S128, ALL, values + at + 96, ORDER));
      p7 = p7.add(FloatVector.fromMemorySegment(S128, ALL, values + at + 112, ORDER));
    }
    FloatVector even = p0.add(p4).add(p2.add(p6));
    FloatVector odd = p1.add(p5).add(p3.add(p7));
    FloatVector p = even.add(odd);
    return (p.lane(0) + p.lane(2)) + (p.lane(1) + p.lane(3));
  }
}
