package io.github.stillgate.bench.layer;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.Gru;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Sru;
import io.github.stillgate.core.model.Sums;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A kind of layer that {@link Layers} times; one entry of {@link #ALL} a kind.
 *
 * @param name as users say it
 * @param layer makes one of random weights, as wide as its input
 * @param elsewhere whether other runtimes have it
 */
public record LayerKind(String name, Function<Weights, Layer> layer, boolean elsewhere) {
  /** What a kind that other runtimes do not have is compared with. */
  static final String COMMON = "lstm";

  /** Every kind, in the order of the table. */
  public static final List<LayerKind> ALL =
      List.of(
          new LayerKind("gru", LayerKind::gru, true),
          new LayerKind(COMMON, LayerKind::lstm, true),
          new LayerKind("sru", LayerKind::sru, false));

  /**
   * The kind called {@code name}.
   *
   * @throws IllegalArgumentException if there is none; the message lists all
   */
  public static LayerKind of(String name) {
    return ALL.stream()
        .filter(kind -> kind.name.equals(name))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "layer \"%s\" is not known (known: %s)"
                    .formatted(
                        name,
                        ALL.stream().map(LayerKind::name).collect(Collectors.joining(", ")))));
  }

  /** A layer of {@code units} units, the same in every JVM. */
  public Layer make(int units) {
    return layer.apply(new Weights(units, new SplittableRandom(9)));
  }

  /** The kind of the same width that runs beside it, for a kind that other runtimes do not have. */
  Optional<LayerKind> comparedWith() {
    return elsewhere ? Optional.empty() : Optional.of(of(COMMON));
  }

  private static Layer gru(Weights weights) {
    return Gru.named("gru")
        .update(weights.sums())
        .reset(weights.sums())
        .candidate(weights.sums())
        .build();
  }

  private static Layer lstm(Weights weights) {
    return Lstm.named("lstm")
        .input(weights.sums())
        .forget(weights.sums())
        .output(weights.sums())
        .cell(weights.sums())
        .build();
  }

  private static Layer sru(Weights weights) {
    return new Sru(
        "sru",
        weights.matrix(),
        weights.gate(),
        new Sru.Highway.FromInput(weights.gate(), 1),
        Activation.LINEAR);
  }

  /**
   * Draws weights, one after the other.
   *
   * @param units rows, and columns
   * @param random where from
   */
  public record Weights(int units, SplittableRandom random) {
    Matrix matrix() {
      return Matrix.of("w", units, units, values(units * units, 1.5 / Math.sqrt(units)));
    }

    Matrix vector() {
      return Matrix.vector("b", values(units, 0.2));
    }

    Sums sums() {
      return new Sums(matrix(), matrix(), vector());
    }

    Sru.Gate gate() {
      return new Sru.Gate(matrix(), Optional.of(vector()), vector());
    }

    float[] values(int count, double scale) {
      float[] values = new float[count];
      for (int i = 0; i < count; i++) {
        values[i] = (float) (scale * random.nextDouble(-1, 1));
      }
      return values;
    }
  }
}
