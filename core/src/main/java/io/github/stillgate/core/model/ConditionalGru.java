package io.github.stillgate.core.model;

import java.util.SequencedMap;

/**
 * The conditional GRU of Davis and Arel (2016), eq. 2, 4, 5, 6 and 8 to 11, input x in R^d, state h
 * in R^n; with {@link Gating.Hybrid} z is scaled once more:
 *
 * <pre>
 *   a  from {@link Gating}
 *   z  = a &gt; 0 ? tanh(a) : 0
 *   r  = sigmoid(Wr x + Ur h + br)
 *   c  = tanh(Wc x + r * (Uc h) + bc)
 *   h' = h + z * (c - h)               z = 0: h' = h, bit for bit
 * </pre>
 *
 * @param name prefix of its tensors
 * @param gating decides which units are live
 * @param wr n x d
 * @param ur n x n
 * @param br n
 * @param wc n x d
 * @param uc n x n
 * @param bc n
 */
public record ConditionalGru(
    String name, Gating gating, Matrix wr, Matrix ur, Matrix br, Matrix wc, Matrix uc, Matrix bc)
    implements Layer {
  /** Checks that all shapes agree. */
  public ConditionalGru {
    int units = wr.rows();
    int inputs = wr.columns();
    ur.requireShape(units, units);
    br.requireLength(units);
    wc.requireShape(units, inputs);
    uc.requireShape(units, units);
    bc.requireLength(units);
    if (gating.units() != units || gating.inputs() != inputs) {
      throw new IllegalArgumentException(
          "layer %s: its gates are for %d units behind %d inputs, its units are %d behind %d"
              .formatted(name, gating.units(), gating.inputs(), units, inputs));
    }
  }

  @Override
  public int inputs() {
    return wr.columns();
  }

  @Override
  public int outputs() {
    return wr.rows();
  }

  @Override
  public SequencedMap<String, Matrix> tensors() {
    SequencedMap<String, Matrix> tensors = gating.tensors();
    tensors.put("Wr", wr);
    tensors.put("Ur", ur);
    tensors.put("br", br);
    tensors.put("Wc", wc);
    tensors.put("Uc", uc);
    tensors.put("bc", bc);
    return tensors;
  }
}
