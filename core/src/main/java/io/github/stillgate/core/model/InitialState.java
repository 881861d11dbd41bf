package io.github.stillgate.core.model;

import java.util.Optional;
import java.util.SequencedMap;

/**
 * The state in which a stream of a recurrent layer begins, and to which a reset returns: learned
 * with the weights, or kept with them. A state vector that is not there begins with zeros.
 *
 * <p>It is part of the network: the fingerprint has it, and what a plan proves of a state holds for
 * it too. A value beyond what the layer's equations reach widens the bound on the state, so that an
 * int8 plan no longer takes the state to lie within [-1, 1].
 *
 * @param h the hidden state, as wide as what the layer gives
 * @param c the cells of an LSTM or an SRU
 */
public record InitialState(Optional<Matrix> h, Optional<Matrix> c) {
  /** Zeros: what a layer begins with unless it says otherwise. */
  public static final InitialState ZERO = new InitialState(Optional.empty(), Optional.empty());

  /** What the names of its tensors begin with. */
  private static final String PREFIX = "initial.";

  /** One that begins with this hidden state, its cells zero if there are any. */
  public static InitialState ofHidden(Matrix h) {
    return new InitialState(Optional.of(h), Optional.empty());
  }

  /** One that begins with these cells, its hidden state zero if there is one. */
  public static InitialState ofCells(Matrix c) {
    return new InitialState(Optional.empty(), Optional.of(c));
  }

  /** The same hidden state with these cells. */
  public InitialState withCells(Matrix cells) {
    return new InitialState(h, Optional.of(cells));
  }

  /** Whether all of it is zero because nothing else was said. */
  public boolean isZero() {
    return h.isEmpty() && c.isEmpty();
  }

  /**
   * Whether a tensor is one of these, by its name without the layer's: {@code initial.h}, or within
   * a direction {@code forward.initial.h}. They are stored as float32 in every file.
   */
  public static boolean isTensor(String field) {
    return field.startsWith(PREFIX) || field.contains("." + PREFIX);
  }

  /** Refuses vectors of other lengths; those of length 0 are not there. */
  void requireWidths(String layer, int hidden, int cells) {
    requireWidth(layer, "hidden state", h, hidden);
    requireWidth(layer, "cells", c, cells);
  }

  private static void requireWidth(String layer, String what, Optional<Matrix> vector, int width) {
    if (vector.isPresent() && width == 0) {
      throw new IllegalArgumentException(
          "layer %s keeps no %s, so it cannot begin with any".formatted(layer, what));
    }
    vector.ifPresent(values -> values.requireLength(width));
  }

  /** Adds what there is under the names {@code initial.h} and {@code initial.c}. */
  void addTo(SequencedMap<String, Matrix> tensors) {
    h.ifPresent(vector -> tensors.put(PREFIX + "h", vector));
    c.ifPresent(vector -> tensors.put(PREFIX + "c", vector));
  }
}
