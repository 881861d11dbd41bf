package io.github.stillgate.kernel.vector;

import static io.github.stillgate.kernel.vector.Lanes.BYTES;
import static io.github.stillgate.kernel.vector.Lanes.COUNT;
import static io.github.stillgate.kernel.vector.Lanes.ORDER;
import static io.github.stillgate.kernel.vector.Lanes.SPECIES;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.github.stillgate.core.kernel.ActiveSet;
import io.github.stillgate.core.kernel.Cells;
import io.github.stillgate.core.kernel.RowLayout;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** The formulas of {@link Cells} a register of units at a time; the padding makes tails needless. */
final class VectorCells implements Cells {
  static final VectorCells INSTANCE = new VectorCells();

  private static final VectorSpecies<Float> S128 = FloatVector.SPECIES_128;

  private VectorCells() {}

  @Override
  public void selectPositive(int n, MemorySegment scores, ActiveSet set) {
    MemorySegment indices = set.indices();
    int count = 0;
    // Padding scores are 0, so the whole padded range may be looked at.
    for (int i = 0; i < n; i += COUNT) {
      long live =
          FloatVector.fromMemorySegment(SPECIES, scores, 4L * i, ORDER)
              .compare(VectorOperators.GT, 0f)
              .toLong();
      while (live != 0) {
        indices.setAtIndex(JAVA_INT, count++, i + Long.numberOfTrailingZeros(live));
        live &= live - 1;
      }
    }
    set.count(count);
  }

  @Override
  public void add(int n, MemorySegment sums, MemorySegment bias, MemorySegment out) {
    int bytes = 4 * RowLayout.padded(n);
    for (int at = 0; at < bytes; at += BYTES) {
      load(sums, at).add(load(bias, at)).intoMemorySegment(out, at, ORDER);
    }
  }

  @Override
  public void relu(
      int n,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment out) {
    int bytes = 4 * RowLayout.padded(n);
    FloatVector zero = FloatVector.zero(SPECIES);
    for (int at = 0; at < bytes; at += BYTES) {
      FloatVector v = load(inputSums, at).add(load(stateSums, at)).add(load(bias, at));
      zero.blend(v, v.compare(VectorOperators.GT, 0f)).intoMemorySegment(out, at, ORDER);
    }
  }

  @Override
  public void conditionalGru(
      int n,
      MemorySegment a,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment h) {
    int stride = 4 * RowLayout.padded(n);
    for (int at = 0; at < stride; at += BYTES) {
      FloatVector gate = load(a, at);
      VectorMask<Float> live = gate.compare(VectorOperators.GT, 0f);
      if (live.anyTrue()) {
        FloatVector z = VectorElementary.tanh(gate);
        FloatVector r =
            VectorElementary.sigmoid(
                load(inputSums, at).add(load(stateSums, at)).add(load(bias, at)));
        FloatVector c =
            VectorElementary.tanh(
                r.fma(load(stateSums, stride + at), load(inputSums, stride + at))
                    .add(load(bias, stride + at)));
        FloatVector before = load(h, at);
        FloatVector after = VectorElementary.flush(z.fma(c.sub(before), before));
        before.blend(after, live).intoMemorySegment(h, at, ORDER);
      }
    }
  }

  @Override
  public void gru(
      int n,
      MemorySegment stateSums,
      MemorySegment inputSums,
      MemorySegment bias,
      MemorySegment h) {
    int stride = 4 * RowLayout.padded(n);
    for (int at = 0; at < stride; at += BYTES) {
      FloatVector z =
          VectorElementary.sigmoid(
              load(inputSums, at).add(load(stateSums, at)).add(load(bias, at)));
      int second = stride + at;
      FloatVector r =
          VectorElementary.sigmoid(
              load(inputSums, second).add(load(stateSums, second)).add(load(bias, second)));
      int third = 2 * stride + at;
      FloatVector c =
          VectorElementary.tanh(
              r.fma(load(stateSums, third), load(inputSums, third)).add(load(bias, third)));
      FloatVector before = load(h, at);
      VectorElementary.flush(z.fma(c.sub(before), before)).intoMemorySegment(h, at, ORDER);
    }
  }

  @Override
  public void softmax(int n, MemorySegment sums, MemorySegment bias, MemorySegment out) {
    int padded = RowLayout.padded(n);
    add(n, sums, bias, out);
    float max = out.getAtIndex(JAVA_FLOAT, 0);
    for (int i = 1; i < n; i++) {
      float v = out.getAtIndex(JAVA_FLOAT, i);
      max = v > max ? v : max;
    }
    for (int i = 0; i < padded; i += COUNT) {
      FloatVector e = VectorElementary.exp(load(out, 4 * i).sub(max));
      e.intoMemorySegment(out, 4L * i, ORDER);
    }
    for (int i = n; i < padded; i++) {
      out.setAtIndex(JAVA_FLOAT, i, 0f);
    }
    float sum = sum(padded, out);
    for (int at = 0; at < 4 * padded; at += BYTES) {
      load(out, at).div(sum).intoMemorySegment(out, at, ORDER);
    }
  }

  /** 128-bit registers on every machine: eight hold the 32 partial sums, and the tree is short. */
  private static float sum(int padded, MemorySegment values) {
    FloatVector p0 = FloatVector.zero(S128);
    FloatVector p1 = FloatVector.zero(S128);
    FloatVector p2 = FloatVector.zero(S128);
    FloatVector p3 = FloatVector.zero(S128);
    FloatVector p4 = FloatVector.zero(S128);
    FloatVector p5 = FloatVector.zero(S128);
    FloatVector p6 = FloatVector.zero(S128);
    FloatVector p7 = FloatVector.zero(S128);
    for (int at = 0; at < 4 * padded; at += 4 * RowLayout.LANES) {
      p0 = p0.add(FloatVector.fromMemorySegment(S128, values, at, ORDER));
      p1 = p1.add(FloatVector.fromMemorySegment(S128, values, at + 16, ORDER));
      p2 = p2.add(FloatVector.fromMemorySegment(S128, values, at + 32, ORDER));
      p3 = p3.add(FloatVector.fromMemorySegment(S128, values, at + 48, ORDER));
      p4 = p4.add(FloatVector.fromMemorySegment(S128, values, at + 64, ORDER));
      p5 = p5.add(FloatVector.fromMemorySegment(S128, values, at + 80, ORDER));
      p6 = p6.add(FloatVector.fromMemorySegment(S128, values, at + 96, ORDER));
      p7 = p7.add(FloatVector.fromMemorySegment(S128, values, at + 112, ORDER));
    }
    FloatVector even = p0.add(p4).add(p2.add(p6));
    FloatVector odd = p1.add(p5).add(p3.add(p7));
    FloatVector p = even.add(odd);
    return (p.lane(0) + p.lane(2)) + (p.lane(1) + p.lane(3));
  }

  private static FloatVector load(MemorySegment values, int at) {
    return FloatVector.fromMemorySegment(SPECIES, values, at, ORDER);
  }
}
