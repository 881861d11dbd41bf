package io.github.stillgate.core.model;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;

/** What follows the sums of a layer. Immutable. */
public sealed interface Activation permits Activation.Softmax, Activation.Elementwise {
  /** Nothing. */
  Elementwise LINEAR = new Elementwise(List.of());

  /** {@code 1 / (1 + exp(-v))}. */
  Elementwise SIGMOID = LINEAR.then(Function.SIGMOID, 0, 0);

  /** {@code tanh(v)}. */
  Elementwise TANH = LINEAR.then(Function.TANH, 0, 0);

  /** {@code v > 0 ? v : 0}. */
  Elementwise RELU = LINEAR.then(Function.THRESHOLD, 0, 0);

  /** {@code v / (1 + |v|)}. */
  Elementwise SOFTSIGN = LINEAR.then(Function.SOFTSIGN, 0, 0);

  /** {@code exp(v_i - max v) / sum_j exp(v_j - max v)}; for the end of a {@link Dense} layer. */
  Activation SOFTMAX = new Softmax();

  /** Those that need no constants, by the names that files use, sorted. */
  SequencedMap<String, Activation> NAMED =
      Collections.unmodifiableSequencedMap(
          new TreeMap<>(
              Map.of(
                  "linear", LINEAR,
                  "sigmoid", SIGMOID,
                  "tanh", TANH,
                  "relu", RELU,
                  "softsign", SOFTSIGN,
                  "softmax", SOFTMAX)));

  /** {@code min(max(scale v + shift, 0), 1)}. */
  static Elementwise hardSigmoid(float scale, float shift) {
    return LINEAR.then(Function.AFFINE, scale, shift).then(Function.CLAMP, 0, 1);
  }

  /** {@code scale tanh(stretch v)}. */
  static Elementwise scaledTanh(float scale, float stretch) {
    return LINEAR
        .then(Function.AFFINE, stretch, 0)
        .then(Function.TANH, 0, 0)
        .then(Function.AFFINE, scale, 0);
  }

  /** {@code v} cut to {@code -bound .. bound}. */
  static Elementwise clip(float bound) {
    return LINEAR.then(Function.CLAMP, -bound, bound);
  }

  /** A function of one number with up to two constants a and b. */
  enum Function {
    /** {@code 1 / (1 + exp(-v))}. */
    SIGMOID,
    /** {@code tanh(v)}. */
    TANH,
    /** {@code a v + b}. */
    AFFINE,
    /** {@code v} cut to {@code a .. b}. */
    CLAMP,
    /** {@code v > 0 ? v : a v}. */
    LEAK,
    /** {@code v > a ? v : 0}. */
    THRESHOLD,
    /** {@code v > 0 ? v : a (exp(v) - 1)}. */
    ELU,
    /** {@code v / (1 + |v|)}. */
    SOFTSIGN,
    /** {@code exp(v)} of v cut to -86 .. 86. */
    EXP,
    /** The natural logarithm; -2^59 where v is 0 or less. */
    LOG,
    /** The square root; 0 where v is below 0. */
    SQRT,
    /**
     * {@code v} to the power of {@code a}, clipped to plus and minus 2^59; 0 where v is below 0 and
     * a is no whole number.
     */
    POWER,
    /** {@code 1 / v}, clipped to plus and minus 2^59: what 0 and -0 give. */
    RECIPROCAL,
    /** {@code |v|}. */
    ABS,
    /** The largest whole number up to v. */
    FLOOR,
    /** The error function. */
    ERF,
    /** {@code log(1 + exp(v))}. */
    SOFTPLUS,
    /** {@code v (1 + erf(v / sqrt(2))) / 2}. */
    GELU,
    /** {@code v / (1 + exp(-v))}. */
    SILU
  }

  /** See {@link #SOFTMAX}. */
  record Softmax() implements Activation {}

  /**
   * A function of each value alone: steps one after the other. A clip before or a complement behind
   * an activation is one more step.
   *
   * @param steps the first is applied first; none for {@link #LINEAR}
   */
  record Elementwise(List<Step> steps) implements Activation {
    /** The most steps there may be: each is one more pass over a layer's values. */
    public static final int MAX_STEPS = 100;

    /**
     * Copies the steps.
     *
     * @throws IllegalArgumentException if there are more than {@link #MAX_STEPS}
     */
    public Elementwise {
      requireSteps(steps.size());
      steps = List.copyOf(steps);
    }

    static void requireSteps(int steps) {
      if (steps > MAX_STEPS) {
        throw new IllegalArgumentException(
            "an activation of %d steps; at most %d are taken".formatted(steps, MAX_STEPS));
      }
    }

    /** This function, then one more step. */
    public Elementwise then(Function function, float a, float b) {
      return then(new Elementwise(List.of(new Step(function, a, b))));
    }

    /** This function, then {@code next}. */
    public Elementwise then(Elementwise next) {
      requireSteps(steps.size() + next.steps.size());
      List<Step> all = new ArrayList<>(steps);
      all.addAll(next.steps);
      return new Elementwise(all);
    }

    /** The values it takes on for arguments within {@code arguments}. */
    public Range range(Range arguments) {
      Range range = arguments;
      for (Step step : steps) {
        range = step.range(range);
      }
      return range;
    }
  }

  /**
   * One function and its constants.
   *
   * @param function the formula
   * @param a its first constant, 0 if it has none
   * @param b its second constant, 0 if it has none
   */
  record Step(Function function, float a, float b) {
    /** Room for the rounding of float32, relative to a result. */
    private static final double ROUNDING = 1.0001;

    /** Beyond it exp does not grow: {@link Function#EXP}. */
    private static final double EXP_LIMIT = 86;

    /** Checks the constants. */
    public Step {
      if (!Float.isFinite(a) || !Float.isFinite(b)) {
        throw new IllegalArgumentException(
            "%s with constants %s and %s; they must be finite".formatted(function, a, b));
      }
      if (function == Function.CLAMP && !(a < b)) {
        throw new IllegalArgumentException(
            "a clamp to %s .. %s; the first must be smaller".formatted(a, b));
      }
    }

    /**
     * Most of these functions are monotonic on both sides of 0, and a threshold jumps at a; gelu
     * and silu have their least values, -0.1700 and -0.2785, below 0.
     */
    Range range(Range v) {
      return switch (function) {
        case SIGMOID -> new Range(0, 1);
        case TANH -> unitRange(Math.tanh(v.low()), Math.tanh(v.high()));
        case SOFTSIGN -> unitRange(softsign(v.low()), softsign(v.high()));
        case AFFINE -> {
          double first = a * v.low() + b;
          double second = a * v.high() + b;
          yield new Range(Math.min(first, second), Math.max(first, second));
        }
        case CLAMP -> new Range(clamp(v.low()), clamp(v.high()));
        case LEAK -> Range.over(0, leak(v.low()), leak(v.high()));
        case THRESHOLD -> new Range(Math.min(0, Math.max(v.low(), a)), Math.max(0, v.high()));
        case ELU -> Range.over(0, v.high(), a * Math.expm1(Math.min(0, v.low())));
        case EXP -> new Range(0, ROUNDING * Math.exp(Math.min(EXP_LIMIT, v.high())));
        case LOG -> new Range(below(log(v.low())), -below(-log(v.high())));
        case SQRT -> new Range(0, ROUNDING * Math.sqrt(Math.max(0, v.high())));
        case POWER -> power(v);
        case RECIPROCAL ->
            v.low() > 0 || v.high() < 0
                ? Range.of(Math.min(Operation.LIMIT, ROUNDING / least(v)))
                : Range.of(Operation.LIMIT);
        case ABS -> new Range(0, v.magnitude());
        case FLOOR -> new Range(Math.floor(v.low()), v.high());
        case ERF -> new Range(-1, 1);
        case SOFTPLUS -> new Range(0, ROUNDING * (Math.max(0, v.high()) + Math.log(2)));
        case GELU -> new Range(v.low() < 0 ? -0.1701 : 0, Math.max(0, v.high()));
        case SILU -> new Range(v.low() < 0 ? -0.2786 : 0, Math.max(0, v.high()));
      };
    }

    /** The smallest magnitude of values that are all on one side of 0. */
    private static double least(Range v) {
      return Math.min(Math.abs(v.low()), Math.abs(v.high()));
    }

    private static double log(double v) {
      return v > 0 ? Math.log(v) : -Operation.LIMIT;
    }

    private static double below(double v) {
      return v - 1e-6 * Math.abs(v);
    }

    private Range power(Range v) {
      double most = Math.pow(v.magnitude(), a);
      if (a < 0) {
        most = v.low() > 0 || v.high() < 0 ? Math.pow(least(v), a) : Operation.LIMIT;
      }
      return Range.of(Math.min(Operation.LIMIT, ROUNDING * most));
    }

    /** With room for the rounding of float32. */
    private static Range unitRange(double low, double high) {
      return new Range(Math.max(-1, low - 1e-6), Math.min(1, high + 1e-6));
    }

    private static double softsign(double v) {
      return v / (1 + Math.abs(v));
    }

    private double clamp(double v) {
      return Math.min(b, Math.max(a, v));
    }

    private double leak(double v) {
      return v > 0 ? v : a * v;
    }
  }

  /**
   * Where values lie.
   *
   * @param low the smallest
   * @param high the largest
   */
  record Range(double low, double high) {
    /** From minus to plus {@code magnitude}. */
    public static Range of(double magnitude) {
      return new Range(-magnitude, magnitude);
    }

    static Range over(double first, double second, double third) {
      return new Range(
          Math.min(first, Math.min(second, third)), Math.max(first, Math.max(second, third)));
    }

    /** The largest magnitude. */
    public double magnitude() {
      return Math.max(Math.abs(low), Math.abs(high));
    }
  }
}
