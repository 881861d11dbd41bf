package io.github.stillgate.core.kernel;

/**
 * Functions of one number with up to two constants a and b: what the activations of layers are
 * composed of. Like {@link Elementary} the formulas here are, operation by operation, what every
 * backend does.
 *
 * <p>Arguments must be finite.
 */
public enum Pointwise {
  /** {@link Elementary#sigmoid}. */
  SIGMOID {
    @Override
    public float of(float v, float a, float b) {
      return Elementary.sigmoid(v);
    }
  },
  /** {@link Elementary#tanh}. */
  TANH {
    @Override
    public float of(float v, float a, float b) {
      return Elementary.tanh(v);
    }
  },
  /** {@code fma(a, v, b)}. */
  AFFINE {
    @Override
    public float of(float v, float a, float b) {
      return Math.fma(a, v, b);
    }
  },
  /** {@code v > a ? (v < b ? v : b) : a}. */
  CLAMP {
    @Override
    public float of(float v, float a, float b) {
      float below = v < b ? v : b;
      return v > a ? below : a;
    }
  },
  /** {@code v > 0 ? v : a v}. */
  LEAK {
    @Override
    public float of(float v, float a, float b) {
      return v > 0 ? v : a * v;
    }
  },
  /** {@code v > a ? v : +0}. */
  THRESHOLD {
    @Override
    public float of(float v, float a, float b) {
      return v > a ? v : 0f;
    }
  },
  /** {@code v > 0 ? v : a (exp(v) - 1)}. */
  ELU {
    @Override
    public float of(float v, float a, float b) {
      return v > 0 ? v : a * (Elementary.exp(v) - 1f);
    }
  },
  /** {@code v / (1 + |v|)}. */
  SOFTSIGN {
    @Override
    public float of(float v, float a, float b) {
      return v / (1f + Math.abs(v));
    }
  };

  /** The function at {@code v}; constants it does not name are ignored. */
  public abstract float of(float v, float a, float b);
}
