package io.github.stillgate.core.model;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/**
 * The LSTM of Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al. (2000); n
 * cells, p outputs, p = n without a projection:
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
 * <p>Its parts have names, since most have one shape:
 *
 * <pre>{@code
 * Lstm lstm = Lstm.named("rnn0").input(i).forget(f).output(o).cell(g).build();
 * }</pre>
 *
 * <p>Immutable; any thread may use it. Equal if all parts are.
 */
public final class Lstm implements Layer {
  /**
   * What gates see of the cells, each its own; Gers and Schmidhuber (2000). The forget gate's is
   * there but not used if the gates are coupled.
   *
   * <p>Made of named vectors, since all have one length: {@code
   * Peepholes.toInput(pi).toForget(pf).toOutput(po)}. Immutable; equal if all three are.
   */
  public static final class Peepholes {
    private final Matrix input;
    private final Matrix forget;
    private final Matrix output;

    private Peepholes(Matrix input, Matrix forget, Matrix output) {
      this.input = input;
      this.forget = forget;
      this.output = output;
    }

    /** Begins with pi, n. */
    public static ToInput toInput(Matrix pi) {
      return new ToInput(pi);
    }

    /**
     * Peepholes of which pf and po are yet to be named.
     *
     * @param pi n
     */
    public record ToInput(Matrix pi) {
      /** Goes on with pf, n. */
      public ToForget toForget(Matrix pf) {
        return new ToForget(this, pf);
      }
    }

    /**
     * Peepholes of which po is yet to be named.
     *
     * @param before has pi
     * @param pf n
     */
    public record ToForget(ToInput before, Matrix pf) {
      /** Ends with po, n. */
      public Peepholes toOutput(Matrix po) {
        return new Peepholes(before.pi(), pf, po);
      }
    }

    /** pi, n. */
    public Matrix input() {
      return input;
    }

    /** pf, n; not used if the gates are coupled. */
    public Matrix forget() {
      return forget;
    }

    /** po, n. */
    public Matrix output() {
      return output;
    }

    /** The three in the order input, forget, output. */
    private List<Matrix> vectors() {
      return List.of(input, forget, output);
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Peepholes p && vectors().equals(p.vectors());
    }

    @Override
    public int hashCode() {
      return vectors().hashCode();
    }

    @Override
    public String toString() {
      return "Peepholes" + vectors();
    }
  }

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

  private final String name;
  private final Sums i;
  private final Optional<Sums> f;
  private final Sums o;
  private final Sums g;
  private final Optional<Peepholes> peepholes;
  private final Optional<Matrix> projection;
  private final Activations activations;
  private final InitialState initialState;

  private Lstm(Builder parts) {
    this.name = parts.name;
    this.i = Parts.required(parts.i, name, "input");
    this.f = Parts.required(parts.f, name, "forget, or coupledGates,");
    this.o = Parts.required(parts.o, name, "output");
    this.g = Parts.required(parts.g, name, "cell");
    this.peepholes = parts.peepholes;
    this.projection = parts.projection;
    this.activations = parts.activations;
    this.initialState = parts.initialState;
    for (Sums sums : sums()) {
      sums.requireShape(cells(), inputs(), outputs());
    }
    projection.ifPresent(wp -> wp.requireShape(outputs(), cells()));
    peepholes.ifPresent(p -> {
      for (Matrix peephole : p.vectors()) {
        peephole.requireLength(cells());
      }
    });
    initialState.requireWidths(name, outputs(), cells());
  }

  /** A layer to be built, {@code name} before the names of its tensors. */
  public static Builder named(String name) {
    return new Builder(name);
  }

  /**
   * Takes the parts of an {@link Lstm} by their names. The sums of input, output and cell are
   * required, and those of the forget gate or {@link #coupledGates}. Not safe for use by several
   * threads.
   */
  public static final class Builder {
    private final String name;
    private @Nullable Sums i;
    private @Nullable Optional<Sums> f;
    private @Nullable Sums o;
    private @Nullable Sums g;
    private Optional<Peepholes> peepholes = Optional.empty();
    private Optional<Matrix> projection = Optional.empty();
    private Activations activations = Activations.STANDARD;
    private InitialState initialState = InitialState.ZERO;

    private Builder(String name) {
      this.name = name;
    }

    /** Wi, Ui and bi of the input gate i; n x d, n x p and n. */
    public Builder input(Sums sums) {
      i = sums;
      return this;
    }

    /** Wf, Uf and bf of the forget gate f; n x d, n x p and n. */
    public Builder forget(Sums sums) {
      f = Optional.of(sums);
      return this;
    }

    /** {@code f = 1 - i}: the forget gate has no sums of its own. */
    public Builder coupledGates() {
      f = Optional.empty();
      return this;
    }

    /** Wo, Uo and bo of the output gate o; n x d, n x p and n. */
    public Builder output(Sums sums) {
      o = sums;
      return this;
    }

    /** Wg, Ug and bg of the candidate g for the cells; n x d, n x p and n. */
    public Builder cell(Sums sums) {
      g = sums;
      return this;
    }

    /** pi, pf and po; none if not given. */
    public Builder peepholes(Peepholes vectors) {
      peepholes = Optional.of(vectors);
      return this;
    }

    /** Wp, p x n; none if not given, and then p = n. */
    public Builder projection(Matrix wp) {
      projection = Optional.of(wp);
      return this;
    }

    /** What follows the sums; {@link Activations#STANDARD} if not given. */
    public Builder activations(Activations functions) {
      activations = functions;
      return this;
    }

    /** h and c before the first step; zeros if not given. */
    public Builder initialState(InitialState state) {
      initialState = state;
      return this;
    }

    /**
     * The layer.
     *
     * @throws IllegalStateException if a required part was not given
     * @throws IllegalArgumentException if shapes do not agree; the message names the matrix
     */
    public Lstm build() {
      return new Lstm(this);
    }
  }

  /** A builder that holds the parts of this layer. */
  public Builder toBuilder() {
    Builder builder =
        new Builder(name)
            .input(i)
            .output(o)
            .cell(g)
            .activations(activations)
            .initialState(initialState);
    f.ifPresentOrElse(builder::forget, builder::coupledGates);
    peepholes.ifPresent(builder::peepholes);
    projection.ifPresent(builder::projection);
    return builder;
  }

  /** Wi, Ui and bi of the input gate. */
  public Sums i() {
    return i;
  }

  /** Wf, Uf and bf of the forget gate; empty if it is coupled to the input gate. */
  public Optional<Sums> f() {
    return f;
  }

  /** Wo, Uo and bo of the output gate. */
  public Sums o() {
    return o;
  }

  /** Wg, Ug and bg of the candidate. */
  public Sums g() {
    return g;
  }

  /** The sums in the order i, f if it has sums of its own, o, g. */
  public List<Sums> sums() {
    return f.map(forget -> List.of(i, forget, o, g)).orElseGet(() -> List.of(i, o, g));
  }

  /** pi, pf and po; empty for none. */
  public Optional<Peepholes> peepholes() {
    return peepholes;
  }

  /** Wp; empty for none. */
  public Optional<Matrix> projection() {
    return projection;
  }

  /** What follows the sums. */
  public Activations activations() {
    return activations;
  }

  /** Number n of cells. */
  public int cells() {
    return i.rows();
  }

  @Override
  public InitialState initialState() {
    return initialState;
  }

  @Override
  public Lstm withInitialState(InitialState state) {
    return toBuilder().initialState(state).build();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public int inputs() {
    return i.inputs();
  }

  @Override
  public int outputs() {
    return projection.map(Matrix::rows).orElse(cells());
  }

  @Override
  public SequencedMap<String, Matrix> tensors() {
    SequencedMap<String, Matrix> tensors = new LinkedHashMap<>();
    i.addTo(tensors, "i");
    f.ifPresent(sums -> sums.addTo(tensors, "f"));
    o.addTo(tensors, "o");
    g.addTo(tensors, "g");
    peepholes.ifPresent(p -> {
      tensors.put("pi", p.input());
      tensors.put("pf", p.forget());
      tensors.put("po", p.output());
    });
    projection.ifPresent(wp -> tensors.put("Wp", wp));
    initialState.addTo(tensors);
    return tensors;
  }

  private List<Object> parts() {
    return List.of(name, i, f, o, g, peepholes, projection, activations, initialState);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Lstm lstm && parts().equals(lstm.parts());
  }

  @Override
  public int hashCode() {
    return Objects.hash(name, activations);
  }

  @Override
  public String toString() {
    return "Lstm" + parts();
  }
}
