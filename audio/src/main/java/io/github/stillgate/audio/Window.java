package io.github.stillgate.audio;

/** Weights of a frame's samples: periodic windows, as frames of a running spectrum need. */
public enum Window {
  /** {@code 0.5 - 0.5 cos(2 pi i / n)}. */
  HANN {
    @Override
    double at(double turn) {
      return 0.5 - 0.5 * Math.cos(2 * Math.PI * turn);
    }
  },
  /**
   * The root of {@link #HANN}, {@code sin(pi i / n)}: applied twice, before and after, it is that.
   */
  SQRT_HANN {
    @Override
    double at(double turn) {
      return Math.sin(Math.PI * turn);
    }
  },
  /** 1. */
  RECTANGULAR {
    @Override
    double at(double turn) {
      return 1;
    }
  };

  abstract double at(double turn);

  /**
   * A new array of {@code size} weights.
   *
   * @throws IllegalArgumentException if {@code size} is not positive
   */
  public float[] of(int size) {
    if (size < 1) {
      throw new IllegalArgumentException("a window has at least 1 value, not " + size);
    }
    float[] weights = new float[size];
    for (int i = 0; i < size; i++) {
      weights[i] = (float) at((double) i / size);
    }
    return weights;
  }
}
