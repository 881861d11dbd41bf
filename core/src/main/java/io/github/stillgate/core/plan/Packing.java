package io.github.stillgate.core.plan;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.kernel.PackedColumns;
import io.github.stillgate.core.kernel.RowGroups;
import io.github.stillgate.core.kernel.RowLayout;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Matrix;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * What all stages are packed with.
 *
 * @param backend makes the packs
 * @param memory holds the packs until the plan is closed
 * @param tokens whether the stage is to take one-hot inputs by token
 */
record Packing(Backend backend, Arena memory, boolean tokens) {
  /** Above every sum that a plan accepts. */
  static final double ANY = Float.MAX_VALUE / 4;

  /** The same for what no token reaches. */
  Packing withoutTokens() {
    return new Packing(backend, memory, false);
  }

  /** Rows over the state and the input in groups of {@code groupUnits} neighbouring units. */
  RowBank bank(int groupUnits, List<Matrix> state, List<Matrix> input) {
    RowGroups groups =
        new RowGroups(
            groupUnits,
            state.stream().map(Matrix::toDense).toList(),
            input.stream().map(Matrix::toDense).toList());
    return new RowBank(
        backend.packRows(groups, memory),
        tokens ? new PackedColumns(groups.input(), memory) : null);
  }

  /** The vectors one after the other, each padded. */
  MemorySegment vectors(Matrix... vectors) {
    int stride = RowLayout.padded(vectors[0].rows());
    MemorySegment packed = memory.allocate(4L * stride * vectors.length, RowLayout.ALIGNMENT);
    for (int i = 0; i < vectors.length; i++) {
      float[] values = vectors[i].toArray();
      MemorySegment.copy(values, 0, packed, JAVA_FLOAT, 4L * stride * i, values.length);
    }
    return packed;
  }

  /**
   * The largest magnitude the sum {@code w x + u h + b} can reach.
   *
   * @throws IllegalArgumentException if it could overflow float32
   */
  static double bound(Matrix w, double inputBound, Matrix u, double stateBound, Matrix b) {
    return finite(
        new Matrix[] {w, u, b},
        new double[] {w.rowNorm() * inputBound, u.rowNorm() * stateBound, b.rowNorm()},
        inputBound);
  }

  /** The same for {@code w x + b}. */
  static double bound(Matrix w, double inputBound, Matrix b) {
    return finite(
        new Matrix[] {w, b}, new double[] {w.rowNorm() * inputBound, b.rowNorm()}, inputBound);
  }

  /** The same for sums of known bound and a bias. */
  static double bound(double sums, Matrix b, double inputBound) {
    return finite(new Matrix[] {b, b}, new double[] {b.rowNorm(), sums}, inputBound);
  }

  /**
   * The largest magnitude a GRU's state can reach: it is mixed from its candidates.
   *
   * @throws IllegalArgumentException if its gates mix in other shares than 0 to 1, or the
   *     candidates have no bound
   */
  static double gruBound(Gru layer) {
    requireShares(layer.activations().update(), layer.name(), "z");
    return bounded(layer.activations().candidate(), layer.name()) * Stage.ROUNDING;
  }

  /** Refuses a gate that mixes in other shares than 0 to 1. */
  static void requireShares(Activation.Elementwise gate, String layer, String name) {
    Activation.Range shares = gate.range(Activation.Range.of(ANY));
    if (shares.low() < 0 || shares.high() > 1) {
      throw new IllegalArgumentException(
          "layer %s: %s lies within [%s, %s]; outside of [0, 1] the state could grow without bounds"
              .formatted(layer, name, shares.low(), shares.high()));
    }
  }

  /**
   * The largest magnitude of a function whatever its argument.
   *
   * @throws IllegalArgumentException if it grows with its argument
   */
  static double bounded(Activation.Elementwise function, String layer) {
    double all = function.range(Activation.Range.of(ANY)).magnitude();
    double some = function.range(Activation.Range.of(ANY / 1024)).magnitude();
    if (all >= ANY || all > 2 * some) {
      throw new IllegalArgumentException(
          "layer %s: an activation has no bound, so the state could overflow float32; clip the sums,"
                  .formatted(layer)
              + " for example with Activation.clip(0x1p60f)");
    }
    return all;
  }

  /**
   * The largest magnitude of a function of sums up to {@code sums}.
   *
   * @throws IllegalArgumentException if one of its steps could overflow float32
   */
  static double bound(Activation.Elementwise function, double sums, String layer) {
    Activation.Range range = Activation.Range.of(sums);
    for (Activation.Step step : function.steps()) {
      range = new Activation.Elementwise(List.of(step)).range(range);
      if (!(range.magnitude() < ANY)) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "layer %s: %s(%s, %s) could reach %.3g for sums up to %.3g and overflow float32;"
                    + " clip the sums (Activation.clip) or scale the weights",
                layer,
                step.function(),
                step.a(),
                step.b(),
                range.magnitude(),
                sums));
      }
    }
    return range.magnitude();
  }

  /** Refuses outputs that could overflow float32. */
  static void requireFinite(double outputs, String layer) {
    if (!(outputs < ANY)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "layer %s: its outputs could reach %.3g and overflow float32; scale the weights",
              layer,
              outputs));
    }
  }

  private static double finite(Matrix[] matrices, double[] terms, double inputBound) {
    double bound = Arrays.stream(terms).sum();
    // A quarter of the range leaves room for rounding and for the sum of two such sums.
    if (bound < ANY) {
      return bound;
    }
    int largest = 0;
    for (int i = 1; i < terms.length; i++) {
      largest = terms[i] > terms[largest] ? i : largest;
    }
    throw new IllegalArgumentException(
        String.format(
            Locale.ROOT,
            "%s: sums could reach %.3g for inputs up to %.3g and overflow float32; lower the input"
                + " bound (PlanOptions.withInputBound) or scale the weights",
            matrices[largest],
            bound,
            inputBound));
  }
}
