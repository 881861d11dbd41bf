package io.github.stillgate.bench.step;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** What kind of network is stepped. */
enum Cell {
  /** One GRU layer, as wide as its input. */
  GRU("GRU, input as wide as the layer"),

  /** One LSTM layer, as wide as its input. */
  LSTM("LSTM, input as wide as the layer"),

  /**
   * 27-n-n-27, unit gating of rank 16, on tokens; beside it full GRUs 27-n-n on their indicators.
   */
  CONDITIONAL("Conditional GRU 27-n-n-27 of rank 16, and full GRUs 27-n-n");

  private final String title;

  Cell(String title) {
    this.title = title;
  }

  /** As a heading. */
  String title() {
    return title;
  }

  /** As users say it. */
  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The cell that is called so.
   *
   * @throws IllegalArgumentException if there is none; the message lists all
   */
  static Cell of(String word) {
    return Arrays.stream(values())
        .filter(cell -> cell.word().equals(word))
        .findFirst()
        .orElseThrow(() ->
            new IllegalArgumentException(
                "cell \"%s\" is not known (known: %s)"
                    .formatted(
                        word,
                        Arrays.stream(values())
                            .map(Cell::word)
                            .collect(Collectors.joining(", ")))));
  }

  /** The row that others are held against. */
  String peer() {
    return this == CONDITIONAL ? "onnxruntime/f32/full-gru" : "onnxruntime/f32";
  }
}
