package io.github.stillgate.core.kernel;

/**
 * Functions of two numbers that are not sums or products: what layers that combine vectors are made
 * of. Like {@link Elementary} the formulas here are, operation by operation, what every backend
 * does.
 *
 * <p>Arguments must be finite; so are the results.
 */
public enum Pairwise {
  /** {@link Elementary#divide}. */
  DIVIDE {
    @Override
    public float of(float left, float right) {
      return Elementary.divide(left, right);
    }
  },
  /** {@code left < right ? left : right}. */
  MINIMUM {
    @Override
    public float of(float left, float right) {
      return left < right ? left : right;
    }
  },
  /** {@code left > right ? left : right}. */
  MAXIMUM {
    @Override
    public float of(float left, float right) {
      return left > right ? left : right;
    }
  },
  /** {@link Elementary#power}. */
  POWER {
    @Override
    public float of(float left, float right) {
      return Elementary.power(left, right);
    }
  },
  /** {@code left > 0 ? left : clip(left right)}: {@link Elementary#clip}. */
  LEAK {
    @Override
    public float of(float left, float right) {
      return left > 0 ? left : Elementary.clip(left * right);
    }
  };

  /** The function of two values. */
  public abstract float of(float left, float right);
}
