package io.github.stillgate.tuning;

import io.github.stillgate.core.model.Activation;
import io.github.stillgate.core.model.ConditionalGru;
import io.github.stillgate.core.model.Dense;
import io.github.stillgate.core.model.Embedding;
import io.github.stillgate.core.model.Gating;
import io.github.stillgate.core.model.Layer;
import io.github.stillgate.core.model.Lstm;
import io.github.stillgate.core.model.Matrix;
import io.github.stillgate.core.model.Sru;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What of one layer without directions is read: bits by {@link Axis}, first none, which {@link
 * #spread} makes more of. A row that is kept keeps the columns in which it is not 0. Use by one
 * thread.
 */
final class Reads {
  /** A matrix, and which of its rows have handed on what they read. */
  private record Reading(Matrix m, Axis rows, Axis columns, BitSet done) {}

  private final String name;
  private final Layer layer;
  private final Map<Axis, Integer> widths = new EnumMap<>(Axis.class);
  private final Map<Axis, BitSet> kept = new EnumMap<>(Axis.class);
  private final Map<Axis, Removal.Stays> reasons = new EnumMap<>(Axis.class);
  private final List<Reading> readings = new ArrayList<>();

  /** Whether output i is made of input i, so that they go together or not at all. */
  private final boolean tied;

  /**
   * Nothing is kept yet but what the layer cannot be without.
   *
   * @param name of the layer, for people
   */
  Reads(String name, Layer layer) {
    this.name = name;
    this.layer = layer;
    this.tied = layer instanceof Sru sru && sru.highway() instanceof Sru.Highway.FromInput;
    new TensorChange() {
      @Override
      public Matrix matrix(Matrix m, Axis rows, Axis columns) {
        widths.put(rows, m.rows());
        widths.put(columns, m.columns());
        readings.add(new Reading(m, rows, columns, new BitSet()));
        return m;
      }

      @Override
      public Matrix own(Matrix v, Axis rows) {
        return v;
      }

      @Override
      public Matrix bias(Matrix b, Axis rows) {
        return b;
      }

      @Override
      public Matrix table(Matrix e) {
        widths.put(Axis.INPUT, e.rows());
        widths.put(Axis.OUTPUT, e.columns());
        return e;
      }
    }.of(layer);
    widths.keySet().forEach(axis -> kept.put(axis, new BitSet()));
    if (layer instanceof ConditionalGru gru
        && (gru.gating() instanceof Gating.Block || gru.gating() instanceof Gating.Hybrid)) {
      keepAll(Axis.OUTPUT, Removal.Stays.BLOCKS);
      keepAll(Axis.BOTTLENECK, Removal.Stays.BLOCKS);
    }
    if (layer instanceof Dense dense && dense.activation() instanceof Activation.Softmax) {
      keepAll(Axis.OUTPUT, Removal.Stays.SOFTMAX);
    }
    if (tied) {
      reasons.put(Axis.OUTPUT, Removal.Stays.TIED);
    }
  }

  /** Keeps all of an axis, whoever reads it. */
  void keepAll(Axis axis, Removal.Stays reason) {
    kept.get(axis).set(0, width(axis));
    reasons.put(axis, reason);
  }

  /** How many there are. */
  int width(Axis axis) {
    return widths.getOrDefault(axis, 0);
  }

  /** Which are kept; more may be set. */
  BitSet kept(Axis axis) {
    return kept.get(axis);
  }

  /** Keeps what the rows kept so far read, and what those read, until nothing is added. */
  void spread() {
    boolean more = true;
    while (more) {
      more = false;
      tie();
      for (Reading reading : readings) {
        BitSet rows = (BitSet) kept.get(reading.rows).clone();
        rows.andNot(reading.done);
        if (!rows.isEmpty()) {
          more = true;
          reading.done.or(rows);
          read(reading.m, rows, kept.get(reading.columns));
        }
      }
    }
  }

  /** Keeps together what goes together. True if that was news. */
  boolean tie() {
    if (!tied) {
      return false;
    }
    BitSet inputs = kept.get(Axis.INPUT);
    BitSet outputs = kept.get(Axis.OUTPUT);
    boolean news = !inputs.equals(outputs);
    inputs.or(outputs);
    outputs.or(inputs);
    return news;
  }

  private static void read(Matrix m, BitSet rows, BitSet columns) {
    float[] weights = new float[m.columns()];
    rows.stream()
        .forEach(row -> {
          m.copyRow(row, weights, 0);
          for (int column = 0; column < weights.length; column++) {
            if (weights[column] != 0) {
              columns.set(column);
            }
          }
        });
  }

  /**
   * Keeps the first of an axis of which nothing is kept, since no layer can be without. True if
   * there was one. Nothing that it reads is kept for its sake.
   */
  boolean keepOneOfNone() {
    for (Map.Entry<Axis, BitSet> entry : kept.entrySet()) {
      // The layer before keeps one of its own.
      if (entry.getKey() != Axis.INPUT && entry.getValue().isEmpty()) {
        entry.getValue().set(0);
        reasons.put(entry.getKey(), Removal.Stays.LAST_ONE);
        return true;
      }
    }
    return false;
  }

  /** What became of each part of the layer that may be removed. */
  List<Removal> removals() {
    List<Removal> removals = new ArrayList<>();
    for (Axis axis : kept.keySet()) {
      part(axis)
          .ifPresent(part ->
              removals.add(
                  new Removal(
                      name,
                      part,
                      width(axis),
                      kept.get(axis).cardinality(),
                      Optional.ofNullable(reasons.get(axis)))));
    }
    return removals;
  }

  private Optional<Removal.Part> part(Axis axis) {
    return switch (axis) {
      // What a layer reads is told by the layer that gives it.
      case INPUT -> Optional.empty();
      case OUTPUT ->
          Optional.of(
              switch (layer) {
                case Embedding _ -> Removal.Part.COMPONENTS;
                case Lstm lstm when lstm.projection().isPresent() -> Removal.Part.OUTPUTS;
                default -> Removal.Part.UNITS;
              });
      case CELL -> Optional.of(Removal.Part.CELLS);
      case BOTTLENECK ->
          reasons.get(axis) == Removal.Stays.BLOCKS
              ? Optional.empty()
              : Optional.of(Removal.Part.BOTTLENECK);
    };
  }

  /** The layer without what is not kept; itself if all is. */
  Layer cut() {
    return kept.keySet().stream().allMatch(this::isWhole) ? layer : new Cut().of(layer);
  }

  private boolean isWhole(Axis axis) {
    return kept.get(axis).cardinality() == width(axis);
  }

  /** Leaves out rows and columns. */
  private final class Cut implements TensorChange {
    @Override
    public Matrix matrix(Matrix m, Axis rows, Axis columns) {
      return isWhole(rows) && isWhole(columns) ? m : cut(m, kept.get(rows), kept.get(columns));
    }

    @Override
    public Matrix own(Matrix v, Axis rows) {
      return vector(v, rows);
    }

    @Override
    public Matrix bias(Matrix b, Axis rows) {
      return vector(b, rows);
    }

    @Override
    public Matrix table(Matrix e) {
      return matrix(e, Axis.INPUT, Axis.OUTPUT);
    }

    private Matrix vector(Matrix v, Axis rows) {
      return isWhole(rows)
          ? v
          : Matrix.vector(v.name(), values(v, kept.get(rows), new BitSet(), 1));
    }

    private static Matrix cut(Matrix m, BitSet rows, BitSet columns) {
      int width = columns.cardinality();
      return Matrix.of(m.name(), rows.cardinality(), width, values(m, rows, columns, width));
    }
  }

  private static float[] values(Matrix m, BitSet rows, BitSet columns, int width) {
    float[] values = new float[Math.multiplyExact(rows.cardinality(), width)];
    float[] weights = new float[m.columns()];
    int[] places = m.isVector() ? new int[] {0} : columns.stream().toArray();
    int at = 0;
    for (int row = rows.nextSetBit(0); row >= 0; row = rows.nextSetBit(row + 1)) {
      m.copyRow(row, weights, 0);
      for (int place : places) {
        values[at++] = weights[place];
      }
    }
    return values;
  }
}
