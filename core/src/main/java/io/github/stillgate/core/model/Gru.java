package io.github.stillgate.core.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * The ordinary GRU, eq. 1, 2, 4 and 5 of Davis and Arel (2016), input x in R^d, state h in R^n:
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
 * <p>Its parts have names, since most have one shape:
 *
 * <pre>{@code
 * Gru gru = Gru.named("rnn0").update(z).reset(r).candidate(c).build();
 * }</pre>
 *
 * <p>Immutable; any thread may use it. Equal if all parts are.
 */
public final class Gru implements Layer {
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
  private static final String ESTIMATE = "estimate.";

  private final String name;
  private final Sums z;
  private final Sums r;
  private final Sums c;
  private final Reset reset;
  private final Activations activations;
  private final Optional<GateEstimate> estimate;
  private final InitialState initialState;

  private Gru(Builder parts) {
    this.name = parts.name;
    this.z = Parts.required(parts.z, name, "update");
    this.r = Parts.required(parts.r, name, "reset");
    this.c = Parts.required(parts.c, name, "candidate");
    this.reset = parts.resetPosition;
    this.activations = parts.activations;
    this.estimate = parts.estimate;
    this.initialState = parts.initialState;
    int units = z.rows();
    for (Sums sums : List.of(z, r, c)) {
      sums.requireShape(units, z.inputs(), units);
    }
    if (reset instanceof Reset.AfterMatrix after) {
      after.bh().ifPresent(bh -> bh.requireLength(units));
    }
    estimate.ifPresent(e -> {
      e.wDown().requireShape(e.rank(), z.inputs());
      e.up().requireShape(units, e.rank());
    });
    initialState.requireWidths(name, units, 0);
  }

  /** A layer to be built, {@code name} before the names of its tensors. */
  public static Builder named(String name) {
    return new Builder(name);
  }

  /**
   * Takes the parts of a {@link Gru} by their names. The three sums are required; everything else
   * is as in the papers if it is not given. Not safe for use by several threads.
   */
  public static final class Builder {
    private final String name;
    private @Nullable Sums z;
    private @Nullable Sums r;
    private @Nullable Sums c;
    private Reset resetPosition = Reset.AFTER;
    private Activations activations = Activations.STANDARD;
    private Optional<GateEstimate> estimate = Optional.empty();
    private InitialState initialState = InitialState.ZERO;

    private Builder(String name) {
      this.name = name;
    }

    /** Wz, Uz and bz of the update gate z; n x d, n x n and n. */
    public Builder update(Sums sums) {
      z = sums;
      return this;
    }

    /** Wr, Ur and br of the reset gate r; n x d, n x n and n. */
    public Builder reset(Sums sums) {
      r = sums;
      return this;
    }

    /** Wc, Uc and bc of the candidate c; n x d, n x n and n. */
    public Builder candidate(Sums sums) {
      c = sums;
      return this;
    }

    /** Where r stands; {@link Reset#AFTER} if not given. */
    public Builder resetPosition(Reset position) {
      resetPosition = position;
      return this;
    }

    /** What follows the sums; {@link Activations#STANDARD} if not given. */
    public Builder activations(Activations functions) {
      activations = functions;
      return this;
    }

    /** An estimate of z for plans that skip approximately; exact plans ignore it. */
    public Builder estimate(GateEstimate cheap) {
      estimate = Optional.of(cheap);
      return this;
    }

    /** No estimate of z. */
    public Builder withoutEstimate() {
      estimate = Optional.empty();
      return this;
    }

    /** The state before the first step; zeros if not given. */
    public Builder initialState(InitialState state) {
      initialState = state;
      return this;
    }

    /**
     * The layer.
     *
     * @throws IllegalStateException if the sums of a gate or of the candidate were not given
     * @throws IllegalArgumentException if shapes do not agree; the message names the matrix
     */
    public Gru build() {
      return new Gru(this);
    }
  }

  /** A builder that holds the parts of this layer. */
  public Builder toBuilder() {
    Builder builder =
        new Builder(name)
            .update(z)
            .reset(r)
            .candidate(c)
            .resetPosition(reset)
            .activations(activations)
            .initialState(initialState);
    estimate.ifPresent(builder::estimate);
    return builder;
  }

  /** The same layer with {@code cheap} for an estimate of its gates. */
  public Gru withEstimate(GateEstimate cheap) {
    return toBuilder().estimate(cheap).build();
  }

  /** Wz, Uz and bz of the update gate. */
  public Sums z() {
    return z;
  }

  /** Wr, Ur and br of the reset gate. */
  public Sums r() {
    return r;
  }

  /** Wc, Uc and bc of the candidate. */
  public Sums c() {
    return c;
  }

  /** Where r stands. */
  public Reset reset() {
    return reset;
  }

  /** What follows the sums of z, r and c. */
  public Activations activations() {
    return activations;
  }

  /** An estimate of z for plans that skip approximately. */
  public Optional<GateEstimate> estimate() {
    return estimate;
  }

  @Override
  public InitialState initialState() {
    return initialState;
  }

  @Override
  public Gru withInitialState(InitialState state) {
    return toBuilder().initialState(state).build();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int inputs() {
    return z.inputs();
  }

  @Override
  public int outputs() {
    return z.rows();
  }

  @Override
  public SequencedMap<String, Matrix> tensors() {
    SequencedMap<String, Matrix> tensors = new LinkedHashMap<>();
    z.addTo(tensors, "z");
    r.addTo(tensors, "r");
    c.addTo(tensors, "c");
    if (reset instanceof Reset.AfterMatrix after) {
      after.bh().ifPresent(bh -> tensors.put("bh", bh));
    }
    estimate.ifPresent(e -> {
      tensors.put(ESTIMATE + "W", e.wDown());
      tensors.put(ESTIMATE + "U", e.uDown());
      tensors.put(ESTIMATE + "V", e.up());
      tensors.put(ESTIMATE + "b", Matrix.vector(name + "." + ESTIMATE + "b", e.correction()));
    });
    initialState.addTo(tensors);
    return tensors;
  }

  private List<Object> parts() {
    return List.of(name, z, r, c, reset, activations, estimate, initialState);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Gru gru && parts().equals(gru.parts());
  }

  @Override
  public int hashCode() {
    return Objects.hash(name, reset, activations);
  }

  @Override
  public String toString() {
    return "Gru" + parts();
  }
}
