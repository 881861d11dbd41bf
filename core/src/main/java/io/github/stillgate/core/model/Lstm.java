package io.github.stillgate.core.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * The LSTM of Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000); n
 * cells, p outputs:
 *
 * <pre>
 *   i  = sigmoid(Wi x + Ui h + pi * c + bi)
 *   f  = sigmoid(Wf x + Uf h + pf * c + bf)       or 1 - i if the gates are coupled
 *   g  = tanh(Wg x + Ug h + bg)
 *   c' = f * c + i * g
 *   o  = sigmoid(Wo x + Uo h + po * c' + bo)
 *   h' = o * tanh(c')                             or Wp (o * tanh(c')) with a projection
 * </pre>
 *
 * @param name prefix of its tensors
 * @param input gate i
 * @param forget gate f; empty if it is coupled to the input gate
 * @param output gate o
 * @param cell candidate g
 * @param peepholes pi, pf and po; empty for none
 * @param projection Wp, p x n; empty for none, and then p = n
 * @param activations what follows the sums
 */
public record Lstm(
    String name,
    Sums input,
    Optional<Sums> forget,
    Sums output,
    Sums cell,
    Optional<Peepholes> peepholes,
    Optional<Matrix> projection,
    Activations activations)
    implements Layer {
  /**
   * The sums {@code w x + u h + b} of one gate.
   *
   * @param w n x d
   * @param u n x p
   * @param b n
   */
  public record Sums(Matrix w, Matrix u, Matrix b) {
    /** Checks that the shapes agree with each other. */
    public Sums {
      u.requireShape(w.rows(), u.columns());
      b.requireLength(w.rows());
    }
  }

  /**
   * What gates see of the cells, each its own; Gers and Schmidhuber (2000).
   *
   * @param input pi, n
   * @param forget pf, n; not used if the gates are coupled
   * @param output po, n
   */
  public record Peepholes(Matrix input, Matrix forget, Matrix output) {}

  /**
   * What follows the sums.
   *
   * @param gates of i, f and o, whose values must lie within [0, 1]
   * @param cell of g
   * @param hidden of the cells on their way out
   */
  public record Activations(
      Activation.Elementwise gates, Activation.Elementwise cell, Activation.Elementwise hidden) {
    /** Sigmoid, tanh, tanh. */
    public static final Activations STANDARD =
        new Activations(Activation.SIGMOID, Activation.TANH, Activation.TANH);
  }

  /** Checks that all shapes agree. */
  public Lstm {
    int cells = input.w().rows();
    int outputs = projection.map(Matrix::rows).orElse(cells);
    for (Sums sums : sums(input, forget, output, cell)) {
      sums.w().requireShape(cells, input.w().columns());
      sums.u().requireShape(cells, outputs);
    }
    projection.ifPresent(wp -> wp.requireShape(outputs, cells));
    peepholes.ifPresent(p -> {
      for (Matrix peephole : List.of(p.input(), p.forget(), p.output())) {
        peephole.requireLength(cells);
      }
    });
  }

  private static List<Sums> sums(Sums input, Optional<Sums> forget, Sums output, Sums cell) {
    return forget
        .map(f -> List.of(input, f, output, cell))
        .orElseGet(() -> List.of(input, output, cell));
  }

  /** The gates in the order i, f if it has sums of its own, o, g. */
  public List<Sums> sums() {
    return sums(input, forget, output, cell);
  }

  /** Number n of cells. */
  public int cells() {
    return input.w().rows();
  }

  @Override
  public int inputs() {
    return input.w().columns();
  }

  @Override
  public int outputs() {
    return projection.map(Matrix::rows).orElse(cells());
  }

  @Override
  public SequencedMap<String, Matrix> tensors() {
    SequencedMap<String, Matrix> tensors = new LinkedHashMap<>();
    put(tensors, "i", input);
    forget.ifPresent(sums -> put(tensors, "f", sums));
    put(tensors, "o", output);
    put(tensors, "g", cell);
    peepholes.ifPresent(p -> {
      tensors.put("pi", p.input());
      tensors.put("pf", p.forget());
      tensors.put("po", p.output());
    });
    projection.ifPresent(wp -> tensors.put("Wp", wp));
    return tensors;
  }

  private static void put(SequencedMap<String, Matrix> tensors, String gate, Sums sums) {
    tensors.put("W" + gate, sums.w());
    tensors.put("U" + gate, sums.u());
    tensors.put("b" + gate, sums.b());
  }
}
