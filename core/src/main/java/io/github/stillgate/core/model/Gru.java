package io.github.stillgate.core.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * The ordinary GRU, eq. 1, 2, 4 and 5 of Davis and Arel (2016):
 *
 * <pre>
 *   z  = sigmoid(Wz x + Uz h + bz)
 *   r  = sigmoid(Wr x + Ur h + br)
 *   c  = tanh(Wc x + r * (Uc h) + bc)       or as {@link Reset} says
 *   h' = h + z * (c - h)
 * </pre>
 *
 * <p>z weighs the candidate here. PyTorch, ONNX and cuDNN weigh the old state with theirs.
 *
 * @param name prefix of its tensors
 * @param wz n x d
 * @param uz n x n
 * @param bz n
 * @param wr n x d
 * @param ur n x n
 * @param br n
 * @param wc n x d
 * @param uc n x n
 * @param bc n
 * @param reset where r stands
 * @param activations what follows the sums of z, r and c
 * @param estimate a guess of z for plans that skip approximately; exact plans ignore it
 */
public record Gru(
    String name,
    Matrix wz,
    Matrix uz,
    Matrix bz,
    Matrix wr,
    Matrix ur,
    Matrix br,
    Matrix wc,
    Matrix uc,
    Matrix bc,
    Reset reset,
    Activations activations,
    Optional<GateEstimate> estimate)
    implements Layer {
  /**
   * What follows the sums.
   *
   * @param update of z, whose values must lie within [0, 1]
   * @param reset of r
   * @param candidate of c
   */
  public record Activations(
      Activation.Elementwise update,
      Activation.Elementwise reset,
      Activation.Elementwise candidate) {
    /** Those of the papers: sigmoid, sigmoid, tanh. */
    public static final Activations STANDARD =
        new Activations(Activation.SIGMOID, Activation.SIGMOID, Activation.TANH);
  }

  /** What the names of an estimate's tensors begin with. */
  static final String ESTIMATE = "estimate.";

  /** Checks that all shapes agree. */
  public Gru {
    int units = wz.rows();
    int inputs = wz.columns();
    for (Matrix w : List.of(wr, wc)) {
      w.requireShape(units, inputs);
    }
    for (Matrix u : List.of(uz, ur, uc)) {
      u.requireShape(units, units);
    }
    for (Matrix b : List.of(bz, br, bc)) {
      b.requireLength(units);
    }
    if (reset instanceof Reset.AfterMatrix after) {
      after.bh().ifPresent(bh -> bh.requireLength(units));
    }
    estimate.ifPresent(e -> {
      e.wDown().requireShape(e.rank(), inputs);
      e.up().requireShape(units, e.rank());
    });
  }

  /** A GRU without an estimate of its gates. */
  public Gru(
      String name,
      Matrix wz,
      Matrix uz,
      Matrix bz,
      Matrix wr,
      Matrix ur,
      Matrix br,
      Matrix wc,
      Matrix uc,
      Matrix bc,
      Reset reset,
      Activations activations) {
    this(name, wz, uz, bz, wr, ur, br, wc, uc, bc, reset, activations, Optional.empty());
  }

  /** The GRU of the papers: reset after the matrix, sigmoid and tanh. */
  public Gru(
      String name,
      Matrix wz,
      Matrix uz,
      Matrix bz,
      Matrix wr,
      Matrix ur,
      Matrix br,
      Matrix wc,
      Matrix uc,
      Matrix bc) {
    this(name, wz, uz, bz, wr, ur, br, wc, uc, bc, Reset.AFTER, Activations.STANDARD);
  }

  /** The same layer with {@code guess} for an estimate of its gates. */
  public Gru withEstimate(GateEstimate guess) {
    return new Gru(
        name, wz, uz, bz, wr, ur, br, wc, uc, bc, reset, activations, Optional.of(guess));
  }

  @Override
  public int inputs() {
    return wz.columns();
  }

  @Override
  public int outputs() {
    return wz.rows();
  }

  @Override
  public SequencedMap<String, Matrix> tensors() {
    SequencedMap<String, Matrix> tensors = new LinkedHashMap<>();
    tensors.put("Wz", wz);
    tensors.put("Uz", uz);
    tensors.put("bz", bz);
    tensors.put("Wr", wr);
    tensors.put("Ur", ur);
    tensors.put("br", br);
    tensors.put("Wc", wc);
    tensors.put("Uc", uc);
    tensors.put("bc", bc);
    if (reset instanceof Reset.AfterMatrix after) {
      after.bh().ifPresent(bh -> tensors.put("bh", bh));
    }
    estimate.ifPresent(e -> {
      tensors.put(ESTIMATE + "W", e.wDown());
      tensors.put(ESTIMATE + "U", e.uDown());
      tensors.put(ESTIMATE + "V", e.up());
      tensors.put(ESTIMATE + "b", Matrix.vector(name + "." + ESTIMATE + "b", e.correction()));
    });
    return tensors;
  }
}
