package io.github.stillgate.bench.paper.gru;

import io.github.stillgate.bench.paper.Training;
import io.github.stillgate.training.Recipe;
import io.github.stillgate.training.Recipe.Cell;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * One network that is trained for a table or a plot.
 *
 * @param name file name of what is kept of it
 * @param label what readers see
 * @param recipe how it is trained
 */
record Experiment(String name, String label, Recipe recipe) implements Training {
  /** The shifts of tables II and IV. */
  static final float[] SHIFTS = {0f, -0.25f, -0.5f, -0.75f};

  /** Gating dimensions of table II, for blocks of 16, 32 and 64, and ranks of table IV. */
  static final int[] GATES = {64, 32, 16};

  /** Units of each layer in the tables. */
  static final int TABLE_UNITS = 1024;

  /** Units of each layer in the curves and the comparison of recipes. */
  static final int CURVE_UNITS = 256;

  /** One cell of a table; {@code gates} is g. */
  static Experiment tableCell(Cell cell, int gates, float shift, int updates) {
    return conditional(cell, TABLE_UNITS, gates, Recipe.Shift.constant(shift), updates, true);
  }

  /** Table II, row by row: block gating. */
  static List<Experiment> table2(int updates) {
    return table(Cell.BLOCK, updates);
  }

  /** Table IV, row by row: unit gating. */
  static List<Experiment> table4(int updates) {
    return table(Cell.UNIT, updates);
  }

  /**
   * The rows that table IV lacks: full gating, section IV of the paper, at the same shifts. Its
   * gating dimension is n.
   */
  static List<Experiment> fullGating(int updates) {
    List<Experiment> rows = new ArrayList<>();
    for (float shift : SHIFTS) {
      rows.add(tableCell(Cell.FULL, TABLE_UNITS, shift, updates));
    }
    return rows;
  }

  private static List<Experiment> table(Cell cell, int updates) {
    List<Experiment> cells = new ArrayList<>();
    for (float shift : SHIFTS) {
      for (int gates : GATES) {
        cells.add(tableCell(cell, gates, shift, updates));
      }
    }
    return cells;
  }

  /** The full GRU of the tables' size, and the smaller ones a user in need of speed could train. */
  static List<Experiment> dense(int updates) {
    List<Experiment> dense = new ArrayList<>();
    for (int units : new int[] {TABLE_UNITS, 512, 384, 256}) {
      dense.add(ordinary(Cell.GRU, units, updates));
    }
    return dense;
  }

  /** Figures 4 and 5 at a smaller size, and the dissertation's figure 4.1. */
  static List<Experiment> curves(int updates) {
    List<Experiment> curves = new ArrayList<>();
    curves.add(ordinary(Cell.GRU, CURVE_UNITS, updates));
    curves.add(ordinary(Cell.GRU_RESET_BEFORE, CURVE_UNITS, updates));
    for (Cell cell : new Cell[] {Cell.UNIT, Cell.BLOCK}) {
      for (float shift : SHIFTS) {
        curves.add(conditional(cell, CURVE_UNITS, 16, Recipe.Shift.constant(shift), updates, true));
      }
    }
    return curves;
  }

  /**
   * Ways to a live fraction, beside the constant shifts of {@link #curves}; among them the paper's,
   * by the statistics of the batch to the last update, and the ordinary batch norm of eq. 9, whose
   * scale and shift are learned.
   */
  static List<Experiment> recipes(int updates) {
    List<Experiment> recipes = new ArrayList<>();
    for (float shift : new float[] {-0.25f, -0.75f}) {
      Recipe.Shift constant = Recipe.Shift.constant(shift);
      Recipe.Shift annealed = Recipe.Shift.annealed(shift, updates / 2);
      recipes.add(conditional(Cell.UNIT, CURVE_UNITS, 16, constant, updates, false));
      recipes.add(conditional(Cell.UNIT, CURVE_UNITS, 16, annealed, updates, true));
      recipes.add(conditional(Cell.BLOCK, CURVE_UNITS, 16, constant, updates, false));
      recipes.add(conditional(Cell.BLOCK, CURVE_UNITS, 16, annealed, updates, true));
      recipes.add(conditional(Cell.HYBRID, CURVE_UNITS, 16, constant, updates, false));
      recipes.add(conditional(Cell.HYBRID, CURVE_UNITS, 16, constant, updates, true));
    }
    for (float live : new float[] {0.4f, 0.25f, 0.15f}) {
      Recipe.Shift learned = Recipe.Shift.learned(live);
      recipes.add(conditional(Cell.UNIT, CURVE_UNITS, 16, learned, updates, true));
      recipes.add(conditional(Cell.HYBRID, CURVE_UNITS, 16, learned, updates, true));
    }
    recipes.add(
        conditional(Cell.BLOCK, CURVE_UNITS, 16, Recipe.Shift.learned(0.25f), updates, true));
    for (float shift : new float[] {-0.25f, -0.75f}) {
      Recipe.Shift batchNorm = Recipe.Shift.batchNorm(shift);
      recipes.add(conditional(Cell.UNIT, CURVE_UNITS, 16, batchNorm, updates, true));
      recipes.add(conditional(Cell.BLOCK, CURVE_UNITS, 16, batchNorm, updates, true));
    }
    return recipes;
  }

  private static Experiment ordinary(Cell cell, int units, int updates) {
    String kind = cell == Cell.GRU ? "gru" : "gru-reset-before";
    String label = cell == Cell.GRU ? "full GRU" : "full GRU, reset inside the matrix";
    return new Experiment(
        "%s-%d-u%d".formatted(kind, units, updates),
        "%s, n = %d".formatted(label, units),
        new Recipe(
            new Recipe.Network(cell, units, 2, 1),
            Recipe.Shift.constant(0),
            Recipe.Schedule.paper(updates)));
  }

  /** {@code population}: whether the second half is trained towards the population's statistics. */
  private static Experiment conditional(
      Cell cell, int units, int gates, Recipe.Shift shift, int updates, boolean population) {
    String form = cell.name().toLowerCase(Locale.ROOT);
    boolean full = cell == Cell.FULL;
    return new Experiment(
        "%s-%d-%s%s%s-u%d"
            .formatted(
                form,
                units,
                full ? "" : "g%d-".formatted(gates),
                name(shift),
                population ? "-population" : "",
                updates),
        "%s, %s%s"
            .formatted(
                full ? "full gating" : "%s, g = %d".formatted(form, gates),
                label(shift),
                population ? "" : ", statistics of the batch"),
        new Recipe(
            new Recipe.Network(cell, units, 2, gates),
            shift,
            Recipe.Schedule.paper(updates).withPopulation(population ? updates / 2 : 0)));
  }

  private static String name(Recipe.Shift shift) {
    if (shift.hasTarget()) {
      return String.format(Locale.ROOT, "live%.2f", shift.targetLive());
    }
    return String.format(Locale.ROOT, "s%.2f", 0f + shift.value())
        + (shift.annealing() > 0 ? "-annealed" : shift.batchNorm() ? "-batchnorm" : "");
  }

  private static String label(Recipe.Shift shift) {
    if (shift.hasTarget()) {
      return String.format(Locale.ROOT, "learned s, target %.0f %% live", 100 * shift.targetLive());
    }
    String s = String.format(Locale.ROOT, "s = %.2f", 0f + shift.value());
    return shift.batchNorm()
        ? "batch norm learned from scale 1, " + s
        : s + (shift.annealing() > 0 ? ", annealed" : "");
  }
}
