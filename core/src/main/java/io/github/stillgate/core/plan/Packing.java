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
   * The largest magnitude a GRU's state can reach: a mixture of its candidates.
   *
   * @throws IllegalArgumentException if its gates mix in other shares than 0 to 1, or the
   *     candidates have no bound
   */
  static double gruBound(Gru layer) {
    Activation.Range shares = layer.activations().update().range(Activation.Range.of(ANY));
    double candidates = layer.activations().candidate().range(Activation.Range.of(ANY)).magnitude();
    if (shares.low() < 0 || shares.high() > 1 || candidates >= ANY) {
      throw new IllegalArgumentException(
          "layer %s: z lies within [%s, %s] and c within %s; the first must lie within [0, 1] and"
                  .formatted(layer.name(), shares.low(), shares.high(), candidates)
              + " the second have a bound, or the state could overflow float32; clip the sums"
              + " (Activation.clip)");
    }
    return candidates * Stage.ROUNDING;
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
