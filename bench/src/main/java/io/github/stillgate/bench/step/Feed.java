package io.github.stillgate.bench.step;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * What comes into a network, step by step: endless, the same in every JVM, made outside of what is
 * timed. Each row has its own.
 */
public abstract class Feed {
  private static final int KEPT = 256;

  private final float[] x;

  private Feed(float[] x) {
    this.x = x;
  }

  /** Makes the next input. */
  public abstract void advance();

  /** The input; valid until {@link #advance}. */
  public final float[] x() {
    return x;
  }

  /** The token, for networks that read tokens. */
  public int token() {
    throw new UnsupportedOperationException("this feed has no tokens");
  }

  /** Random values in [-1, 1), all of them others in each step. */
  public static Feed random(int width) {
    SplittableRandom random = new SplittableRandom(10);
    float[][] vectors = new float[KEPT][width];
    for (float[] vector : vectors) {
      for (int i = 0; i < width; i++) {
        vector[i] = (float) random.nextDouble(-1, 1);
      }
    }
    return cycling(vectors, width);
  }

  /**
   * Values that change slowly and at random, as frames of a signal do: each is nine tenths of what
   * it was and a random share. None reaches beyond 1.
   */
  public static Feed changing(int width) {
    SplittableRandom random = new SplittableRandom(12);
    float[][] vectors = new float[KEPT][width];
    for (int step = 1; step < KEPT; step++) {
      for (int i = 0; i < width; i++) {
        vectors[step][i] = 0.9f * vectors[step - 1][i] + (float) random.nextDouble(-0.1, 0.1);
      }
    }
    return cycling(vectors, width);
  }

  /** One after the other, again and again. */
  private static Feed cycling(float[][] vectors, int width) {
    return new Feed(new float[width]) {
      private int next;

      @Override
      public void advance() {
        System.arraycopy(vectors[next++ % KEPT], 0, x(), 0, width);
      }
    };
  }

  /**
   * Values of {@link DrivenLayer#INPUT} and its negative, of which in each step {@code share *
   * width} (rounded) change their sign: others in each step, drawn without order.
   */
  public static Feed moving(int width, double share) {
    SplittableRandom random = new SplittableRandom(11);
    int count = (int) Math.round(share * width);
    int[] order = new int[width];
    Arrays.setAll(order, i -> i);
    int[][] sets = new int[KEPT][count];
    for (int[] set : sets) {
      for (int i = 0; i < count; i++) {
        int other = random.nextInt(i, width);
        int swapped = order[i];
        order[i] = order[other];
        order[other] = swapped;
        set[i] = order[i];
      }
    }
    float[] x = new float[width];
    for (int i = 0; i < width; i++) {
      x[i] = random.nextBoolean() ? DrivenLayer.INPUT : -DrivenLayer.INPUT;
    }
    return new Feed(x) {
      private int next;

      @Override
      public void advance() {
        for (int i : sets[next++ % KEPT]) {
          x()[i] = -x()[i];
        }
      }
    };
  }

  /** Random tokens, and as vectors their indicators. */
  public static Feed tokens(int count) {
    int[] tokens = new SplittableRandom(5).ints(4096, 0, count).toArray();
    return new Feed(new float[count]) {
      private int next = -1;

      @Override
      public void advance() {
        if (next >= 0) {
          x()[token()] = 0;
        }
        next++;
        x()[token()] = 1;
      }

      @Override
      public int token() {
        return tokens[next & 4095];
      }
    };
  }
}
