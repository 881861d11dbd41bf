package io.github.stillgate.core.model;

import java.util.LinkedHashMap;
import java.util.SequencedMap;

/**
 * How a {@link ConditionalGru} decides which of its units are live. Units with a gate
 * pre-activation a above 0 are, all others stand still. Batch norm is folded into the weights.
 *
 * <p>What follows a is no choice: z = a &gt; 0 ? tanh(a) : 0 in every form (eq. 6), since its zeros
 * are what is skipped, and as shares of the candidate its values keep the state bounded. What
 * stands in the bottleneck, before a, is one (eq. 8).
 */
public sealed interface Gating permits Gating.Full, Gating.Unit, Gating.Block, Gating.Hybrid {
  /** Its matrices and vectors by their names in the formulas. */
  SequencedMap<String, Matrix> tensors();

  /** Number n of units it gates. */
  int units();

  /** Width d of the input it reads. */
  int inputs();

  /**
   * Each unit has a gate of its own that reads everything, section IV of Davis and Arel (2016):
   *
   * <pre>
   *   a = Wz x + Uz h + bz           a in R^n
   * </pre>
   *
   * The gates alone are a third of a GRU's weights, so no step is more than three times as fast.
   *
   * @param z Wz, Uz and bz; n x d, n x n and n
   */
  record Full(Sums z) implements Gating {
    /** Checks that the shapes agree with each other. */
    public Full {
      z.requireShape(z.rows(), z.inputs(), z.rows());
    }

    @Override
    public int units() {
      return z.rows();
    }

    @Override
    public int inputs() {
      return z.inputs();
    }

    @Override
    public SequencedMap<String, Matrix> tensors() {
      SequencedMap<String, Matrix> tensors = new LinkedHashMap<>();
      z.addTo(tensors, "z");
      return tensors;
    }
  }

  /**
   * Each unit has its own gate, fed by a bottleneck of width g, eq. 8 and 9:
   *
   * <pre>
   *   u = f(Wu x + Uu h + bu)        u in R^g; f is relu if not given
   *   a = Wz u + bz                  a in R^n
   * </pre>
   *
   * @param u Wu, Uu and bu of the bottleneck; g x d, g x n and g
   * @param wz n x g
   * @param bz n
   * @param f follows the sums of the bottleneck
   */
  record Unit(Sums u, Matrix wz, Matrix bz, Activation.Elementwise f) implements Gating {
    /** Checks that the shapes agree with each other. */
    public Unit {
      int units = wz.rows();
      u.requireShape(u.rows(), u.inputs(), units);
      wz.requireShape(units, u.rows());
      bz.requireLength(units);
    }

    /** With relu in the bottleneck, as in the paper. */
    public Unit(Sums u, Matrix wz, Matrix bz) {
      this(u, wz, bz, Activation.RELU);
    }

    /** Width g of the bottleneck. */
    public int rank() {
      return u.rows();
    }

    @Override
    public int units() {
      return wz.rows();
    }

    @Override
    public int inputs() {
      return u.inputs();
    }

    @Override
    public SequencedMap<String, Matrix> tensors() {
      SequencedMap<String, Matrix> tensors = new LinkedHashMap<>();
      u.addTo(tensors, "u");
      tensors.put("Wz", wz);
      tensors.put("bz", bz);
      return tensors;
    }
  }

  /**
   * One bottleneck unit gates a block of n / g neighbouring units, which share one z, eq. 8, 10 and
   * 11. The scale of the folded batch norm is positive and stands in Wu, Uu and bu, its mean and
   * the shift s in bz:
   *
   * <pre>
   *   u   = f(Wu x + Uu h + bu)      u in R^g; f is relu if not given
   *   a_i = u_b + bz_b               b = i / (n / g)
   * </pre>
   *
   * @param u Wu, Uu and bu of the bottleneck; g x d, g x n and g; g divides n
   * @param bz g
   * @param f follows the sums of the bottleneck
   */
  record Block(Sums u, Matrix bz, Activation.Elementwise f) implements Gating {
    /** Checks that the shapes agree with each other and blocks are whole. */
    public Block {
      int blocks = u.rows();
      int units = u.u().columns();
      bz.requireLength(blocks);
      if (units % blocks != 0) {
        throw new IllegalArgumentException(
            "%s: %d units cannot be cut into %d equal blocks".formatted(u.u(), units, blocks));
      }
    }

    /** With relu in the bottleneck, as in the paper. */
    public Block(Sums u, Matrix bz) {
      this(u, bz, Activation.RELU);
    }

    /** Number g of blocks, which is also the width of the bottleneck. */
    public int blocks() {
      return u.rows();
    }

    /** Units n / g of one block. */
    public int blockUnits() {
      return units() / blocks();
    }

    @Override
    public int units() {
      return u.u().columns();
    }

    @Override
    public int inputs() {
      return u.inputs();
    }

    @Override
    public SequencedMap<String, Matrix> tensors() {
      SequencedMap<String, Matrix> tensors = new LinkedHashMap<>();
      u.addTo(tensors, "u");
      tensors.put("bz", bz);
      return tensors;
    }
  }

  /**
   * Block gating decides what is live, and each live unit scales its block's gate by one of its
   * own, as the paper's last paragraph proposes:
   *
   * <pre>
   *   z_i = cliptanh(u_b + bz_b) * sigmoid(V u + e)_i        u as the block's, f included
   * </pre>
   *
   * @param block decides which blocks are live
   * @param v n x g
   * @param e n
   */
  record Hybrid(Block block, Matrix v, Matrix e) implements Gating {
    /** Checks that the shapes agree with each other. */
    public Hybrid {
      v.requireShape(block.units(), block.blocks());
      e.requireLength(block.units());
    }

    @Override
    public int units() {
      return block.units();
    }

    @Override
    public int inputs() {
      return block.inputs();
    }

    @Override
    public SequencedMap<String, Matrix> tensors() {
      SequencedMap<String, Matrix> tensors = block.tensors();
      tensors.put("V", v);
      tensors.put("e", e);
      return tensors;
    }
  }
}
