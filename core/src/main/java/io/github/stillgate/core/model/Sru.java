package io.github.stillgate.core.model;

import java.util.LinkedHashMap;
import java.util.Optional;
import java.util.SequencedMap;

/**
 * The simple recurrent unit of Lei et al. (2018), d inputs, n units with a cell c each:
 *
 * <pre>
 *   u  = W x
 *   f  = sigmoid(Wf x + vf * c + bf)
 *   r  = sigmoid(Wr x + vr * c + br)              the c before the step, as in f
 *   c' = f * c + (1 - f) * u
 *   h  = r * g(c') + (1 - r) * k
 * </pre>
 *
 * All matrices multiply the input, none the state, so the products of a whole sequence can be made
 * together. What k is, and whether there is an r, the {@link Highway} says. The state that a step
 * replaces is c; h is only the output. Without vf and vr (the ablation "without element-wise
 * hidden-to-hidden connections", and the first version of the authors' library) the gates see the
 * input alone.
 *
 * <p>No two parts of one shape have one type, so that exchanging two of them does not compile.
 *
 * @param name prefix of its tensors
 * @param candidate W, n x d
 * @param forget gate f
 * @param highway from c' to the output
 * @param activation g; the papers have none ({@link Activation#LINEAR}) or tanh
 * @param initialState c before the first step
 */
public record Sru(
    String name,
    Matrix candidate,
    Gate forget,
    Highway highway,
    Activation.Elementwise activation,
    InitialState initialState)
    implements Layer {
  /**
   * The gate {@code sigmoid(w x + v * c + b)}.
   *
   * @param w n x d
   * @param v n; empty for a gate that does not see c
   * @param b n
   */
  public record Gate(Matrix w, Optional<Matrix> v, Matrix b) {
    /** Checks that the shapes agree with each other. */
    public Gate {
      w.requireShape(w.rows(), w.columns());
      v.ifPresent(seen -> seen.requireLength(w.rows()));
      b.requireLength(w.rows());
    }
  }

  /** The way from c' to the output h. */
  public sealed interface Highway {
    /** The gate r; empty where there is none. */
    Optional<Gate> reset();

    /**
     * {@code h = r * g(c') + (1 - r) * scale x}; for layers with d = n.
     *
     * @param gate r
     * @param scale 1 in the paper; sqrt(1 + 2 exp(initial br)) in the authors' library
     */
    record FromInput(Gate gate, float scale) implements Highway {
      /** Checks that the scale is finite. */
      public FromInput {
        if (!Float.isFinite(scale)) {
          throw new IllegalArgumentException(
              "the highway's scale is %s; it must be finite".formatted(scale));
        }
      }

      @Override
      public Optional<Gate> reset() {
        return Optional.of(gate);
      }
    }

    /**
     * {@code h = r * g(c') + (1 - r) * Wh x}.
     *
     * @param gate r
     * @param wh Wh, n x d
     */
    record FromMatrix(Gate gate, Matrix wh) implements Highway {
      @Override
      public Optional<Gate> reset() {
        return Optional.of(gate);
      }
    }

    /**
     * {@code h = r * g(c')}: the authors' library without its skip term.
     *
     * @param gate r
     */
    record GateOnly(Gate gate) implements Highway {
      @Override
      public Optional<Gate> reset() {
        return Optional.of(gate);
      }
    }

    /** {@code h = g(c')}: the ablation without highway and without r. */
    record None() implements Highway {
      @Override
      public Optional<Gate> reset() {
        return Optional.empty();
      }
    }
  }

  /**
   * Checks that all shapes agree.
   *
   * @throws IllegalArgumentException if a shape does not fit, if only one of the gates sees c, or
   *     if the highway takes the input as it is and d is not n
   */
  public Sru {
    int units = candidate.rows();
    int inputs = candidate.columns();
    candidate.requireShape(units, inputs);
    forget.w().requireShape(units, inputs);
    if (highway.reset().isPresent()) {
      Gate reset = highway.reset().get();
      reset.w().requireShape(units, inputs);
      if (reset.v().isPresent() != forget.v().isPresent()) {
        throw new IllegalArgumentException(
            "layer %s: one gate sees the cells and the other does not; give vf and vr or neither"
                .formatted(name));
      }
    }
    switch (highway) {
      case Highway.FromInput _ -> {
        if (inputs != units) {
          throw new IllegalArgumentException(
              "layer %s: the highway adds the %d inputs to %d units; they must be as many, or the"
                      .formatted(name, inputs, units)
                  + " highway needs a matrix");
        }
      }
      case Highway.FromMatrix(Gate _, Matrix wh) -> wh.requireShape(units, inputs);
      case Highway.GateOnly _, Highway.None _ -> {}
    }
    initialState.requireWidths(name, 0, units);
  }

  /**
   * One that begins with zeros.
   *
   * @throws IllegalArgumentException as above
   */
  public Sru(
      String name,
      Matrix candidate,
      Gate forget,
      Highway highway,
      Activation.Elementwise activation) {
    this(name, candidate, forget, highway, activation, InitialState.ZERO);
  }

  @Override
  public Sru withInitialState(InitialState state) {
    return new Sru(name, candidate, forget, highway, activation, state);
  }

  /** Whether the gates see c: whether there are vf and, with a gate r, vr. */
  public boolean isRecurrent() {
    return forget.v().isPresent();
  }

  @Override
  public int inputs() {
    return candidate.columns();
  }

  @Override
  public int outputs() {
    return candidate.rows();
  }

  @Override
  public SequencedMap<String, Matrix> tensors() {
    SequencedMap<String, Matrix> tensors = new LinkedHashMap<>();
    tensors.put("W", candidate);
    put(tensors, "f", forget);
    highway.reset().ifPresent(gate -> put(tensors, "r", gate));
    if (highway instanceof Highway.FromMatrix(Gate _, Matrix wh)) {
      tensors.put("Wh", wh);
    }
    initialState.addTo(tensors);
    return tensors;
  }

  private static void put(SequencedMap<String, Matrix> tensors, String name, Gate gate) {
    tensors.put("W" + name, gate.w());
    gate.v().ifPresent(v -> tensors.put("v" + name, v));
    tensors.put("b" + name, gate.b());
  }
}
