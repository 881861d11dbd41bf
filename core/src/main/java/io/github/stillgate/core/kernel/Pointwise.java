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
  },
  /** {@link Elementary#exp}. */
  EXP {
    @Override
    public float of(float v, float a, float b) {
      return Elementary.exp(v);
    }
  },
  /** {@link Elementary#log}. */
  LOG {
    @Override
    public float of(float v, float a, float b) {
      return Elementary.log(v);
    }
  },
  /** {@link Elementary#sqrt}. */
  SQRT {
    @Override
    public float of(float v, float a, float b) {
      return Elementary.sqrt(v);
    }
  },
  /** {@link Elementary#power} of v and a. */
  POWER {
    @Override
    public float of(float v, float a, float b) {
      return Elementary.power(v, a);
    }
  },
  /** {@code clip(1 / v)}: {@link Elementary#clip}. */
  RECIPROCAL {
    @Override
    public float of(float v, float a, float b) {
      return Elementary.clip(1f / v);
    }
  },
  /** {@code |v|}. */
  ABS {
    @Override
    public float of(float v, float a, float b) {
      return Math.abs(v);
    }
  },
  /** The largest whole number up to v. */
  FLOOR {
    @Override
    public float of(float v, float a, float b) {
      return (float) Math.floor(v);
    }
  },
  /** {@link Elementary#erf}. */
  ERF {
    @Override
    public float of(float v, float a, float b) {
      return Elementary.erf(v);
    }
  },
  /** {@link Elementary#softplus}. */
  SOFTPLUS {
    @Override
    public float of(float v, float a, float b) {
      return Elementary.softplus(v);
    }
  },
  /** {@link Elementary#gelu}. */
  GELU {
    @Override
    public float of(float v, float a, float b) {
      return Elementary.gelu(v);
    }
  },
  /** {@link Elementary#silu}. */
  SILU {
    @Override
    public float of(float v, float a, float b) {
      return Elementary.silu(v);
    }
  };

  /**
   * Whether every backend has a loop of its own for it. The others came with graphs, where nobody
   * has measured a need: their loops are those of {@link VectorOps}.
   */
  public boolean isOfEveryBackend() {
    return compareTo(SOFTSIGN) <= 0;
  }

  /** The function at {@code v}; constants it does not name are ignored. */
  public abstract float of(float v, float a, float b);
}
