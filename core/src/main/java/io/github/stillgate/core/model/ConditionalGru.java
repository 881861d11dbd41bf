package io.github.stillgate.core.model;

import java.util.List;
import java.util.Objects;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

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
 * <p>Other functions than this sigmoid and this tanh are {@link Activations}.
 *
 * <p>Its parts have names, since most have one shape:
 *
 * <pre>{@code
 * ConditionalGru gru = ConditionalGru.named("rnn0").gating(z).reset(r).candidate(c).build();
 * }</pre>
 *
 * <p>Immutable; any thread may use it. Equal if all parts are.
 */
public final class ConditionalGru implements Layer {
  /**
   * What follows the sums of the units, sigma_r of eq. 2 and h of eq. 5. A plan refuses a candidate
   * without a bound, under which the state could overflow.
   *
   * @param reset of r
   * @param candidate of c
   */
  public record Activations(Activation.Elementwise reset, Activation.Elementwise candidate) {
    /** Those of the paper: sigmoid, tanh. */
    public static final Activations STANDARD = new Activations(Activation.SIGMOID, Activation.TANH);
  }

  private final String name;
  private final Gating gating;
  private final Sums r;
  private final Sums c;
  private final Activations activations;
  private final InitialState initialState;

  private ConditionalGru(Builder parts) {
    this.name = parts.name;
    this.gating = Parts.required(parts.gating, name, "gating");
    this.r = Parts.required(parts.r, name, "reset");
    this.c = Parts.required(parts.c, name, "candidate");
    this.activations = parts.activations;
    this.initialState = parts.initialState;
    int units = r.rows();
    int inputs = r.inputs();
    r.requireShape(units, inputs, units);
    c.requireShape(units, inputs, units);
    if (gating.units() != units || gating.inputs() != inputs) {
      throw new IllegalArgumentException(
          "layer %s: its gates are for %d units behind %d inputs, its units are %d behind %d"
              .formatted(name, gating.units(), gating.inputs(), units, inputs));
    }
    initialState.requireWidths(name, units, 0);
  }

  /** A layer to be built, {@code name} before the names of its tensors. */
  public static Builder named(String name) {
    return new Builder(name);
  }

  /**
   * Takes the parts of a {@link ConditionalGru} by their names; all but the activations and the
   * initial state are required. Not safe for use by several threads.
   */
  public static final class Builder {
    private final String name;
    private @Nullable Gating gating;
    private @Nullable Sums r;
    private @Nullable Sums c;
    private Activations activations = Activations.STANDARD;
    private InitialState initialState = InitialState.ZERO;

    private Builder(String name) {
      this.name = name;
    }

    /** Decides which units are live. */
    public Builder gating(Gating gates) {
      gating = gates;
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

    /** What follows the sums of r and c; {@link Activations#STANDARD} if not given. */
    public Builder activations(Activations functions) {
      activations = functions;
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
     * @throws IllegalStateException if a part was not given
     * @throws IllegalArgumentException if shapes do not agree; the message names the matrix
     */
    public ConditionalGru build() {
      return new ConditionalGru(this);
    }
  }

  /** Decides which units are live. */
  public Gating gating() {
    return gating;
  }

  /** Wr, Ur and br of the reset gate. */
  public Sums r() {
    return r;
  }

  /** Wc, Uc and bc of the candidate. */
  public Sums c() {
    return c;
  }

  /** What follows the sums of r and c. */
  public Activations activations() {
    return activations;
  }

  @Override
  public InitialState initialState() {
    return initialState;
  }

  @Override
  public ConditionalGru withInitialState(InitialState state) {
    return new Builder(name)
        .gating(gating)
        .reset(r)
        .candidate(c)
        .activations(activations)
        .initialState(state)
        .build();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int inputs() {
    return r.inputs();
  }

  @Override
  public int outputs() {
    return r.rows();
  }

  @Override
  public SequencedMap<String, Matrix> tensors() {
    SequencedMap<String, Matrix> tensors = gating.tensors();
    r.addTo(tensors, "r");
    c.addTo(tensors, "c");
    initialState.addTo(tensors);
    return tensors;
  }

  private List<Object> parts() {
    return List.of(name, gating, r, c, activations, initialState);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ConditionalGru gru && parts().equals(gru.parts());
  }

  @Override
  public int hashCode() {
    return Objects.hash(name, r.rows(), r.inputs(), activations);
  }

  @Override
  public String toString() {
    return "ConditionalGru" + parts();
  }
}
