package io.github.stillgate.importers.onnx;

import java.util.List;
import java.util.Locale;

/**
 * What became of one part of a graph.
 *
 * @param part what it is
 * @param name its name in the graph; of a state its name in a session
 * @param states names of the session's states that it is or sets
 * @param became a sentence without its subject, such as {@code the answer of layer lstm, at every
 *     step}; names in it are shown without control characters
 */
public record Account(Part part, String name, List<String> states, String became) {
  /** The parts of a graph that a model must not lose. */
  public enum Part {
    /** What whoever runs the graph gives it. */
    INPUT,
    /** What the graph gives. */
    OUTPUT,
    /** What a recurrent node keeps from step to step. */
    STATE,
    /** A sequence_lens that is a constant. */
    LENGTHS,
    /** A recurrent node that the model does not have. */
    NODE,
    /** A version of ONNX's operators that is newer than their definitions here. */
    OPERATORS
  }

  /** Copies the list, and makes the sentence one line. */
  public Account {
    states = List.copyOf(states);
    became = OneLine.of(became);
  }

  /** For people: {@code output "y": the answer of layer lstm, at every step}. */
  @Override
  public String toString() {
    String what = part.name().toLowerCase(Locale.ROOT);
    return OneLine.of("%s \"%s\": %s".formatted(what, name, became));
  }
}
