package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.WeightFormat;
import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Operation;
import io.github.stillgate.core.model.Sums;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What the sums and functions of one layer can reach for inputs up to a bound, in float64; refuses
 * what could overflow float32. A sum over a row is at most the row's L1 norm times the largest
 * operand, and what rounding adds ({@link #reach}).
 */
final class Bounds {
  /** Above every sum that a plan accepts: a quarter of the range, for rounding and one more sum. */
  static final double ANY = Float.MAX_VALUE / 4;

  /** Room for rounding above the bound of what a state is mixed from. */
  static final double ROUNDING = 1.0001;

  private static final WeightFormat[] FORMATS = WeightFormat.values();

  /** Additions that follow a sum over a row: the other sum, and the bias. */
  private static final int LATER_ADDITIONS = 2;

  private final String layer;
  private final double input;
  private final double given;

  /** Bounds of {@code layer} for inputs up to {@code input} in magnitude. */
  Bounds(String layer, double input) {
    this(layer, input, 0);
  }

  /** The same where states may be set to values up to {@code given}. */
  Bounds(String layer, double input, double given) {
    this.layer = layer;
    this.input = input;
    this.given = given;
  }

  /** The largest magnitude of an input. */
  double input() {
    return input;
  }

  /**
   * The largest magnitude of a computed sum over a row of {@code matrix} for operands up to 1: its
   * L1 norm, with each weight as the {@link WeightFormat} stores it that makes it largest, times
   * {@code 1 + (columns + 2) 2^-23}. One rounding adds at most 2^-24 of the norm, and {@code k} of
   * them at most {@code k 2^-23}, in any order of summation. The same in all formats, so that a
   * snapshot can go from a plan of one to a plan of another.
   */
  static double reach(Matrix matrix) {
    int columns = matrix.columns();
    float[] row = new float[columns];
    float[] most = new float[columns];
    double largest = 0;
    for (int i = 0; i < matrix.rows(); i++) {
      Arrays.fill(most, 0);
      for (WeightFormat format : FORMATS) {
        matrix.copyRow(i, row, 0);
        format.round(row);
        for (int column = 0; column < columns; column++) {
          most[column] = Math.max(most[column], Math.abs(row[column]));
        }
      }
      double norm = 0;
      for (float weight : most) {
        norm += weight;
      }
      largest = Math.max(largest, norm);
    }
    return largest * (1 + (columns + LATER_ADDITIONS) * 0x1p-23);
  }

  /**
   * The largest magnitude of {@code w x + u h + b} for states up to {@code state}.
   *
   * @throws IllegalArgumentException if it could overflow float32
   */
  double sums(Matrix w, Matrix u, double state, Matrix b) {
    double x = reach(w) * input;
    return finite(input, new Term(w, x), new Term(u, reach(u) * state), new Term(b, norm(b)));
  }

  /** The same for a gate's sums. */
  double sums(Sums gate, double state) {
    return sums(gate.w(), gate.u(), state, gate.b());
  }

  /** The same for {@code w x}. */
  double product(Matrix w) {
    return finite(input, new Term(w, reach(w) * input));
  }

  /** The same for {@code w x + b}. */
  double sums(Matrix w, Matrix b) {
    return sums(w, input, b);
  }

  /** The same for {@code w v + b} with a vector up to {@code vector}. */
  double sums(Matrix w, double vector, Matrix b) {
    return finite(vector, new Term(w, reach(w) * vector), new Term(b, norm(b)));
  }

  /** The same for sums of known bound and a bias. */
  double plus(double sums, Matrix b) {
    return finite(input, new Term(b, norm(b)), new Term(b, sums));
  }

  /**
   * The largest magnitude of a state of which every step reaches {@code steps}, or lies between
   * that and what it was: it may also be as large as it begins, or is set. {@code h + z (c - h)},
   * with z from 0 to 1, never moves away from c further than h was, since rounding is monotone; the
   * same holds of cells.
   */
  double state(Optional<Matrix> initial, double steps) {
    return Math.max(Math.max(steps, given), initial.map(Matrix::magnitude).orElse(0.0));
  }

  /** Refuses a gate that mixes in other shares than 0 to 1. */
  void requireShares(Activation.Elementwise gate, String name) {
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
  double bounded(Activation.Elementwise function) {
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
  double of(Activation.Elementwise function, double sums) {
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

  /**
   * The steps of a function for arguments up to {@code arguments}, with a clip to plus and minus
   * {@link Operation#LIMIT} behind each that can reach beyond, and before the first.
   *
   * @throws IllegalArgumentException if a step could overflow float32
   */
  List<Activation.Step> clipped(Activation.Elementwise function, double arguments) {
    List<Activation.Step> steps = new ArrayList<>();
    Activation.Range range = clipped(Activation.Range.of(arguments), steps);
    for (Activation.Step step : function.steps()) {
      of(new Activation.Elementwise(List.of(step)), range.magnitude());
      steps.add(step);
      range = clipped(new Activation.Elementwise(List.of(step)).range(range), steps);
    }
    return steps;
  }

  private static Activation.Range clipped(Activation.Range range, List<Activation.Step> steps) {
    if (range.magnitude() <= Operation.LIMIT) {
      return range;
    }
    steps.addAll(Activation.clip(Operation.LIMIT).steps());
    return Activation.clip(Operation.LIMIT).range(range);
  }

  /** The largest magnitude of a function whose steps are {@link #clipped}. */
  static double reach(List<Activation.Step> steps, double arguments) {
    Activation.Range range = Activation.Range.of(arguments);
    for (Activation.Step step : steps) {
      range = new Activation.Elementwise(List.of(step)).range(range);
    }
    return range.magnitude();
  }

  /** Refuses outputs that could overflow float32. */
  void requireFinite(double outputs) {
    if (!(outputs < ANY)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "layer %s: its outputs could reach %.3g and overflow float32; scale the weights",
              layer,
              outputs));
    }
  }

  /** Biases are float32 in every plan, and are added once. */
  private static double norm(Matrix bias) {
    return bias.rowNorm();
  }

  private record Term(Matrix matrix, double reach) {}

  private double finite(double operand, Term... terms) {
    double bound = 0;
    Term largest = terms[0];
    for (Term term : terms) {
      bound += term.reach;
      largest = term.reach > largest.reach ? term : largest;
    }
    if (bound < ANY) {
      return bound;
    }
    throw new IllegalArgumentException(
        String.format(
            Locale.ROOT,
            "%s: sums could reach %.3g for inputs up to %.3g and overflow float32; lower the input"
                + " bound (PlanOptions.withInputBound)%s or scale the weights",
            largest.matrix,
            bound,
            operand,
            given > 0 ? ", the state bound (withStateBound)" : ""));
  }
}
