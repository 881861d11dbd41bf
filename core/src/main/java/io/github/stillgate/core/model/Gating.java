package io.github.stillgate.core.model;

import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * How a {@link ConditionalGru} decides which of its units are live. Units with a gate
 * pre-activation a above 0 are, all others stand still.
 */
public sealed interface Gating permits Gating.Unit {
  /** Its matrices and vectors by their names in the formulas. */
  SequencedMap<String, Matrix> tensors();

  /**
   * Each unit has its own gate behind a bottleneck of width g, eq. 8 and 9 with batch norm folded:
   *
   * <pre>
   *   u = relu(Wu x + Uu h + bu)     u in R^g
   *   a = Wz u + bz                  a in R^n
   * </pre>
   *
   * @param wu g x d
   * @param uu g x n
   * @param bu g
   * @param wz n x g
   * @param bz n
   */
  record Unit(Matrix wu, Matrix uu, Matrix bu, Matrix wz, Matrix bz) implements Gating {
    /** Checks that the shapes agree with each other. */
    public Unit {
      int rank = wu.rows();
      int units = wz.rows();
      uu.requireShape(rank, units);
      bu.requireLength(rank);
      wz.requireShape(units, rank);
      bz.requireLength(units);
    }

    /** Width g of the bottleneck. */
    public int rank() {
      return wu.rows();
    }

    @Override
    public SequencedMap<String, Matrix> tensors() {
      SequencedMap<String, Matrix> tensors = new LinkedHashMap<>();
      tensors.put("Wu", wu);
      tensors.put("Uu", uu);
      tensors.put("bu", bu);
      tensors.put("Wz", wz);
      tensors.put("bz", bz);
      return tensors;
    }
  }
}
