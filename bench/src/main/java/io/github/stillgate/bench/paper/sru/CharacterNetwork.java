package io.github.stillgate.bench.paper.sru;

import io.github.stillgate.bench.paper.Training;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.training.CharCorpus;
import io.github.stillgate.training.Recipe;
import io.github.stillgate.training.Recipe.Cell;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One network of the comparison of character models.
 *
 * @param name file name of what is kept of it
 * @param label what readers see
 * @param recipe how it is trained
 */
record CharacterNetwork(String name, String label, Recipe recipe) implements Training {
  /**
   * An LSTM of two layers, and a GRU of two and SRUs of two and six layers that come nearest to its
   * number of parameters.
   *
   * @param units of the LSTM
   * @param updates of each training
   */
  static List<CharacterNetwork> grid(int units, int updates) {
    long size = parameters(Cell.LSTM, units, 2);
    List<CharacterNetwork> grid = new ArrayList<>();
    grid.add(of(Cell.LSTM, units, 2, updates));
    grid.add(of(Cell.GRU, nearest(Cell.GRU, 2, size), 2, updates));
    grid.add(of(Cell.SRU, nearest(Cell.SRU, 2, size), 2, updates));
    grid.add(of(Cell.SRU, nearest(Cell.SRU, 6, size), 6, updates));
    return grid;
  }

  private static CharacterNetwork of(Cell cell, int units, int layers, int updates) {
    return new CharacterNetwork(
        "sru-paper-%s-%dx%d-u%d"
            .formatted(cell.name().toLowerCase(Locale.ROOT), layers, units, updates),
        "%s, %d x %d".formatted(cell, layers, units),
        new Recipe(
            new Recipe.Network(cell, units, layers, 1),
            Recipe.Shift.constant(0),
            Recipe.Schedule.paper(updates)));
  }

  private static int nearest(Cell cell, int layers, long size) {
    int units = 1;
    while (parameters(cell, units + 1, layers) <= size) {
      units++;
    }
    long below = size - parameters(cell, units, layers);
    return parameters(cell, units + 1, layers) - size < below ? units + 1 : units;
  }

  /** Trained values of a character model: recurrent layers and the softmax layer. */
  static long parameters(Cell cell, long units, int layers) {
    long tokens = CharCorpus.VOCABULARY.length();
    long sum = tokens * units + tokens;
    for (int layer = 0; layer < layers; layer++) {
      long inputs = layer == 0 ? tokens : units;
      sum +=
          switch (cell) {
            case GRU -> 3 * units * (inputs + units + 1);
            case LSTM -> 4 * units * (inputs + units + 1);
            // The highway has a matrix where it must change the width; both gates see the cells.
            case SRU -> (inputs == units ? 3 : 4) * units * inputs + 4 * units;
            default -> throw new IllegalArgumentException(cell + " is not part of this comparison");
          };
    }
    return sum;
  }

  /** The same, counted in a model. */
  static long parameters(Model model) {
    long sum = 0;
    for (Layer layer : model.layers()) {
      sum +=
          layer.tensors().values().stream()
              .mapToLong(tensor -> (long) tensor.rows() * tensor.columns())
              .sum();
    }
    return sum;
  }
}
