package io.github.stillgate.core.stage;

import io.github.stillgate.core.model.Matrix;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Which values the layers of a network read and a step gives. Values go by numbers: first the
 * inputs, then the states that a step replaces, then what each layer gives.
 *
 * @param inputs widths of the inputs
 * @param states what a step replaces
 * @param reads for each layer the values it reads, all of which stand before its own
 * @param outputs the values that a step gives
 */
public record Wiring(
    List<Integer> inputs, List<Replaced> states, List<List<Integer>> reads, List<Integer> outputs) {
  /**
   * A state that becomes another value when a step has computed all.
   *
   * @param part its name and width; where it lies is not decided yet
   * @param initial its values before the first step; empty for zeros
   * @param next the value it becomes
   */
  public record Replaced(StatePart part, Optional<Matrix> initial, int next) {}

  /** Copies the lists. */
  public Wiring {
    inputs = List.copyOf(inputs);
    states = List.copyOf(states);
    reads = reads.stream().map(List::copyOf).toList();
    outputs = List.copyOf(outputs);
  }

  /** Each layer reads the one before, and the last one is given. */
  public static Wiring chain(int inputs, int layers) {
    List<List<Integer>> reads = new ArrayList<>();
    IntStream.range(0, layers).forEach(layer -> reads.add(List.of(layer)));
    return new Wiring(List.of(inputs), List.of(), reads, List.of(layers));
  }

  /** Whether it is that of a chain. */
  boolean isChain() {
    return equals(chain(inputs.getFirst(), reads.size()));
  }

  /** Whether a value is an input or a state, and no layer's. */
  boolean isGiven(int value) {
    return value < inputs.size() + states.size();
  }
}
