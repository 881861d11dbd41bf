package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Int8;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.model.Operation;

/**
 * One vector that a stream keeps from step to step.
 *
 * @param name the layer's name, a dot, and the vector's name in the formulas: {@code rnn0.h}; or
 *     that of a graph's state
 * @param kind what the vector is
 * @param at where it begins in the stream's state, in floats
 * @param width number of values
 * @param bound largest magnitude a value can reach
 */
public record StatePart(String name, Kind kind, int at, int width, float bound) {
  /** What a vector of the state is to its layer. */
  public enum Kind {
    /** What the layer gives, h in all formulas. */
    HIDDEN('h'),
    /** The cells of an LSTM or an SRU, c. */
    CELLS('c'),
    /** What {@link Skipping#below} carries for units at rest, m. */
    CARRIED('m'),
    /**
     * The int8 values that an operand had when its columns were last multiplied, where they can lag
     * behind what it is ({@link PlanOptions#withMovementThreshold}).
     */
    SENT('s'),
    /** A state of a graph, which a step replaces by one of its values. */
    REPLACED('v');

    private final char letter;

    Kind(char letter) {
      this.letter = letter;
    }

    /** The letter of the formulas, which names the kind in snapshots. */
    public char letter() {
      return letter;
    }
  }

  /** The part of this kind of a layer; its name is the layer's and the kind's letter. */
  static StatePart of(String layer, Kind kind, int at, int width, double bound) {
    return new StatePart(layer + "." + kind.letter(), kind, at, width, (float) bound);
  }

  /** The values sent last of one of a layer's operands: {@code rnn0.sent0}. */
  static StatePart sent(String layer, int operand, int at, int width) {
    return new StatePart(layer + ".sent" + operand, Kind.SENT, at, width, Int8.LARGEST);
  }

  /** A state of a graph; its name is the graph's. */
  public static StatePart replaced(String name, int width) {
    return new StatePart(name, Kind.REPLACED, 0, width, Operation.LIMIT);
  }

  /** Whether a value can stand in it. */
  public boolean allows(float value) {
    // Written so that NaN fails it.
    return Math.abs(value) <= bound && (kind != Kind.SENT || Math.rint(value) == value);
  }

  /** Floats it takes in the stream's state. */
  int floats() {
    return Lanes.padded(width);
  }

  /** The same vector behind {@code floats} others. */
  StatePart movedBy(int floats) {
    return new StatePart(name, kind, at + floats, width, bound);
  }

  /** The same vector of a position of a layer: {@code gru.h} becomes {@code gru.3.h}. */
  StatePart at(String layer, int position) {
    String behind = name.substring(layer.length());
    return new StatePart(layer + "." + position + behind, kind, at, width, bound);
  }

  /** The same vector under a longer name. */
  StatePart within(String layer) {
    return new StatePart(layer + "." + name, kind, at, width, bound);
  }
}
