package io.github.stillgate.audio;

import java.util.Arrays;

/**
 * The discrete Fourier transform of n real values, and back.
 *
 * <p>{@code X[k] = sum over j of x[j] exp(-2 pi i j k / n)}, k from 0 to n / 2; back with {@code 1
 * / n}. It is computed as a complex transform of half the length (Sorensen et al., "Real-valued
 * fast Fourier transform algorithms", 1987), which is Stockham's, of mixed radix: n is any even
 * number, and fast if it has small prime factors, such as 512, 400 or 960. Sums are float32,
 * factors rounded from float64; against a float64 transform the error stays below {@code 4e-7
 * log2(n)} times the root of the sum of squares of the values.
 */
public final class RealFft {
  private final int size;
  private final int half;
  private final int[] radices;
  private final float[] cos;
  private final float[] sin;

  /** The pass's own roots of 1, by the pass. */
  private final float[][] rootCos;

  private final float[][] rootSin;
  private final float[] butterflyReal;
  private final float[] butterflyImaginary;
  private float[] real;
  private float[] imaginary;
  private float[] nextReal;
  private float[] nextImaginary;

  /**
   * A transform of {@code size} values.
   *
   * @throws IllegalArgumentException if {@code size} is odd, below 2 or above 2^24
   */
  public RealFft(int size) {
    if (size < 2 || size % 2 != 0 || size > 1 << 24) {
      throw new IllegalArgumentException(
          "a transform has an even number of values from 2 to 2^24, not " + size);
    }
    this.size = size;
    this.half = size / 2;
    this.radices = radices(half);
    this.cos = new float[size];
    this.sin = new float[size];
    for (int i = 0; i < size; i++) {
      cos[i] = (float) Math.cos(2 * Math.PI * i / size);
      sin[i] = (float) Math.sin(2 * Math.PI * i / size);
    }
    int largest = Arrays.stream(radices).max().orElse(1);
    this.butterflyReal = new float[largest];
    this.butterflyImaginary = new float[largest];
    this.rootCos = new float[radices.length][];
    this.rootSin = new float[radices.length][];
    for (int pass = 0; pass < radices.length; pass++) {
      int radix = radices[pass];
      rootCos[pass] = new float[radix];
      rootSin[pass] = new float[radix];
      for (int i = 0; i < radix; i++) {
        rootCos[pass][i] = (float) Math.cos(2 * Math.PI * i / radix);
        rootSin[pass][i] = (float) Math.sin(2 * Math.PI * i / radix);
      }
    }
    this.real = new float[half];
    this.imaginary = new float[half];
    this.nextReal = new float[half];
    this.nextImaginary = new float[half];
  }

  private static int[] radices(int length) {
    int[] found = new int[32];
    int count = 0;
    int left = length;
    while (left % 4 == 0) {
      found[count++] = 4;
      left /= 4;
    }
    for (int factor = 2; left > 1; factor++) {
      if ((long) factor * factor > left) {
        factor = left;
      }
      while (left % factor == 0) {
        found[count++] = factor;
        left /= factor;
      }
    }
    return Arrays.copyOf(found, count);
  }

  /** The number of real values. */
  public int size() {
    return size;
  }

  /** The number of complex ones: {@code size() / 2 + 1}. */
  public int bins() {
    return half + 1;
  }

  /**
   * The transform of {@code values}.
   *
   * @param values {@link #size} values; not changed
   * @param toReal receives {@link #bins} real parts
   * @param toImaginary receives {@link #bins} imaginary parts; the first and the last are 0
   * @throws IllegalArgumentException if an array has the wrong length
   */
  public void forward(float[] values, float[] toReal, float[] toImaginary) {
    require("values", size, values);
    require("real parts", half + 1, toReal);
    require("imaginary parts", half + 1, toImaginary);
    for (int i = 0; i < half; i++) {
      real[i] = values[2 * i];
      imaginary[i] = values[2 * i + 1];
    }
    transform();
    toReal[0] = real[0] + imaginary[0];
    toImaginary[0] = 0;
    toReal[half] = real[0] - imaginary[0];
    toImaginary[half] = 0;
    for (int k = 1; k < half; k++) {
      int other = half - k;
      float evenReal = 0.5f * (real[k] + real[other]);
      float evenImaginary = 0.5f * (imaginary[k] - imaginary[other]);
      float oddReal = 0.5f * (imaginary[k] + imaginary[other]);
      float oddImaginary = 0.5f * (real[other] - real[k]);
      toReal[k] = evenReal + (cos[k] * oddReal + sin[k] * oddImaginary);
      toImaginary[k] = evenImaginary + (cos[k] * oddImaginary - sin[k] * oddReal);
    }
  }

  /**
   * The values that have a transform.
   *
   * @param fromReal {@link #bins} real parts; not changed
   * @param fromImaginary {@link #bins} imaginary parts; the first and the last are taken as 0,
   *     since they are for real values; not changed
   * @param values receives {@link #size} values
   * @throws IllegalArgumentException if an array has the wrong length
   */
  public void inverse(float[] fromReal, float[] fromImaginary, float[] values) {
    require("real parts", half + 1, fromReal);
    require("imaginary parts", half + 1, fromImaginary);
    require("values", size, values);
    // The complex transform runs forward over conjugates, which gives conjugates.
    real[0] = fromReal[0] + fromReal[half];
    imaginary[0] = -(fromReal[0] - fromReal[half]);
    for (int k = 1; k < half; k++) {
      int other = half - k;
      float evenReal = fromReal[k] + fromReal[other];
      float evenImaginary = fromImaginary[k] - fromImaginary[other];
      float oddReal = fromReal[k] - fromReal[other];
      float oddImaginary = fromImaginary[k] + fromImaginary[other];
      float turnedReal = cos[k] * oddReal - sin[k] * oddImaginary;
      float turnedImaginary = cos[k] * oddImaginary + sin[k] * oddReal;
      real[k] = evenReal - turnedImaginary;
      imaginary[k] = -(evenImaginary + turnedReal);
    }
    transform();
    float scale = 1f / size;
    for (int i = 0; i < half; i++) {
      values[2 * i] = scale * real[i];
      values[2 * i + 1] = -scale * imaginary[i];
    }
  }

  /** The complex transform of {@link #real} and {@link #imaginary}, in place by turns. */
  private void transform() {
    int done = 1;
    for (int pass = 0; pass < radices.length; pass++) {
      if (radices[pass] == 4) {
        pass4(done);
      } else {
        pass(pass, done);
      }
      done *= radices[pass];
      float[] spare = real;
      real = nextReal;
      nextReal = spare;
      spare = imaginary;
      imaginary = nextImaginary;
      nextImaginary = spare;
    }
  }

  /** {@code done} interleaved transforms become those of four times the length. */
  private void pass4(int done) {
    int quarter = half / 4;
    int step = size / (4 * done);
    for (int j = 0; j < done; j++) {
      float cos1 = cos[j * step];
      float sin1 = -sin[j * step];
      float cos2 = cos[2 * j * step];
      float sin2 = -sin[2 * j * step];
      float cos3 = cos[3 * j * step];
      float sin3 = -sin[3 * j * step];
      for (int from = j, to = j; from < quarter; from += done, to += 4 * done) {
        float r0 = real[from];
        float i0 = imaginary[from];
        int at = from + quarter;
        float r1 = cos1 * real[at] - sin1 * imaginary[at];
        float i1 = cos1 * imaginary[at] + sin1 * real[at];
        at += quarter;
        float r2 = cos2 * real[at] - sin2 * imaginary[at];
        float i2 = cos2 * imaginary[at] + sin2 * real[at];
        at += quarter;
        float r3 = cos3 * real[at] - sin3 * imaginary[at];
        float i3 = cos3 * imaginary[at] + sin3 * real[at];
        float sum02 = r0 + r2;
        float difference02 = r0 - r2;
        float sum13 = r1 + r3;
        float difference13 = r1 - r3;
        float isum02 = i0 + i2;
        float idifference02 = i0 - i2;
        float isum13 = i1 + i3;
        float idifference13 = i1 - i3;
        nextReal[to] = sum02 + sum13;
        nextImaginary[to] = isum02 + isum13;
        nextReal[to + done] = difference02 + idifference13;
        nextImaginary[to + done] = idifference02 - difference13;
        nextReal[to + 2 * done] = sum02 - sum13;
        nextImaginary[to + 2 * done] = isum02 - isum13;
        nextReal[to + 3 * done] = difference02 - idifference13;
        nextImaginary[to + 3 * done] = idifference02 + difference13;
      }
    }
  }

  private void pass(int pass, int done) {
    int radix = radices[pass];
    float[] passCos = rootCos[pass];
    float[] passSin = rootSin[pass];
    int part = half / radix;
    int step = size / (radix * done);
    for (int j = 0; j < done; j++) {
      for (int from = j, to = j; from < part; from += done, to += radix * done) {
        for (int term = 0; term < radix; term++) {
          int at = from + term * part;
          float turnCos = cos[term * j * step];
          float turnSin = -sin[term * j * step];
          butterflyReal[term] = turnCos * real[at] - turnSin * imaginary[at];
          butterflyImaginary[term] = turnCos * imaginary[at] + turnSin * real[at];
        }
        for (int k = 0; k < radix; k++) {
          float sumReal = 0;
          float sumImaginary = 0;
          int turn = 0;
          for (int term = 0; term < radix; term++) {
            sumReal +=
                passCos[turn] * butterflyReal[term] + passSin[turn] * butterflyImaginary[term];
            sumImaginary +=
                passCos[turn] * butterflyImaginary[term] - passSin[turn] * butterflyReal[term];
            turn += k;
            turn -= turn >= radix ? radix : 0;
          }
          nextReal[to + k * done] = sumReal;
          nextImaginary[to + k * done] = sumImaginary;
        }
      }
    }
  }

  static void require(String what, int count, float[] array) {
    if (array.length != count) {
      throw new IllegalArgumentException(
          "%s: %d expected, the array has %d".formatted(what, count, array.length));
    }
  }
}
