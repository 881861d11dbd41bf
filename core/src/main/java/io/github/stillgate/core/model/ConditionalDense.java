package io.github.stillgate.core.model;

import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * A dense layer with relu whose units are computed only where a cheap estimate says that they are
 * above 0: the activation estimators of Davis (2016), chapter 3. d inputs, h units, k the rank of
 * the estimate:
 *
 * <pre>
 *   s   = U (V x) + e
 *   y_i = s_i &gt; 0 ? relu((W x)_i + b_i) : +0
 * </pre>
 *
 * <p>In the paper U V is W cut to rank k by the singular value decomposition, and e is {@code b -
 * tau} with a threshold tau (the text leaves both biases out, and its networks have them); the sign
 * of 0, which eq. 3.4 does not define, is off. The estimate is part of the network: a plan that
 * skips has the bits of one that computes every unit and then applies the mask. A unit that the
 * estimate overlooks is 0 in both.
 *
 * @param name prefix of its tensors
 * @param estimate decides which units are computed
 * @param w W, h x d
 * @param b h
 */
public record ConditionalDense(String name, Estimate estimate, Matrix w, Matrix b)
    implements Layer {
  /**
   * The scores {@code s = U (V x) + e}.
   *
   * @param v V, k x d, which comes first
   * @param u U, h x k
   * @param e h
   */
  public record Estimate(Matrix v, Matrix u, Matrix e) {
    /** Checks that the shapes agree with each other. */
    public Estimate {
      v.requireShape(v.rows(), v.columns());
      u.requireShape(u.rows(), v.rows());
      e.requireLength(u.rows());
    }

    /** k, the width of the bottleneck. */
    public int rank() {
      return v.rows();
    }
  }

  /**
   * Checks that all shapes agree.
   *
   * @throws IllegalArgumentException if a shape does not fit; the message names the matrix
   */
  public ConditionalDense {
    w.requireShape(w.rows(), w.columns());
    b.requireLength(w.rows());
    estimate.v().requireShape(estimate.rank(), w.columns());
    estimate.u().requireShape(w.rows(), estimate.rank());
  }

  @Override
  public int inputs() {
    return w.columns();
  }

  @Override
  public int outputs() {
    return w.rows();
  }

  @Override
  public SequencedMap<String, Matrix> tensors() {
    SequencedMap<String, Matrix> tensors = new LinkedHashMap<>();
    tensors.put("V", estimate.v());
    tensors.put("U", estimate.u());
    tensors.put("e", estimate.e());
    tensors.put("W", w);
    tensors.put("b", b);
    return tensors;
  }
}
