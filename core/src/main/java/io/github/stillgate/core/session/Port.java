package io.github.stillgate.core.session;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.model.Graph;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.stage.StreamRun;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where values go in and out of one stream: it refuses what the plan cannot take, before the state
 * changes. The caller holds the stream where memory is touched.
 */
final class Port {
  private final Model model;
  private final StreamRun stream;
  private final StateVectors state;
  private final int inputs;
  private final int outputs;
  private final int tokens;
  private final float inputBound;
  private final boolean hasOneInputAndOutput;
  private final boolean[] isSet;
  private @Nullable Names names;
  private boolean hasOutput;

  /** What inputs and outputs are called, by their numbers. */
  private record Names(String[] inputs, int[] inputWidths, String[] outputs, int[] outputWidths) {
    static Names of(Graph graph) {
      return new Names(
          graph.inputs().stream().map(Graph.Value::name).toArray(String[]::new),
          graph.inputs().stream().mapToInt(Graph.Value::width).toArray(),
          graph.outputs().toArray(String[]::new),
          graph.outputs().stream().mapToInt(graph::width).toArray());
    }

    static int number(String name, String[] names, String what) {
      for (int i = 0; i < names.length; i++) {
        if (names[i].equals(name)) {
          return i;
        }
      }
      throw new IllegalArgumentException(
          "no %s is named \"%s\"; the model has %s".formatted(what, name, Arrays.toString(names)));
    }
  }

  Port(Plan plan, StreamRun stream) {
    this.model = plan.model();
    this.stream = stream;
    this.state = new StateVectors(plan, stream.state());
    this.inputs = model.inputs();
    this.outputs = model.outputs();
    this.tokens = model.readsTokens() ? inputs : 0;
    this.inputBound = plan.inputBound();
    this.hasOneInputAndOutput = model.hasOneInputAndOutput();
    this.isSet = new boolean[stream.inputs()];
  }

  /** Made when somebody asks by a name: most streams of chains never do. */
  private Names names() {
    Names known = names;
    if (known == null) {
      known = Names.of(model.graph());
      names = known;
    }
    return known;
  }

  private void requireOneInputAndOutput() {
    if (!hasOneInputAndOutput) {
      throw new UnsupportedOperationException(
          "the model reads %s and gives %s; give and take each by its name: set(name, values),"
                  .formatted(Arrays.toString(names().inputs), Arrays.toString(names().outputs))
              + " step(), get(name, values)");
    }
  }

  /** Copies a named input and checks the copy, as {@link #take}. True if all inputs are set now. */
  boolean set(String input, float[] values) {
    int number = Names.number(input, names().inputs, "input");
    int width = names().inputWidths[number];
    if (values.length != width) {
      throw new IllegalArgumentException(
          "input %s has %d values, given are %d".formatted(input, width, values.length));
    }
    MemorySegment copy = stream.input(number);
    MemorySegment.copy(values, 0, copy, JAVA_FLOAT, 0, width);
    isSet[number] = false;
    for (int i = 0; i < width; i++) {
      float value = copy.getAtIndex(JAVA_FLOAT, i);
      if (!isTaken(value, inputBound)) {
        copy.fill((byte) 0);
        throw new InputRefusedException(-1, input, i, value, inputBound, tokens > 0);
      }
    }
    isSet[number] = true;
    return isComplete();
  }

  /** Whether every input was set since the last step. */
  private boolean isComplete() {
    for (boolean set : isSet) {
      if (!set) {
        return false;
      }
    }
    return true;
  }

  void requireComplete() {
    if (!isComplete()) {
      List<String> missing = new ArrayList<>();
      for (int i = 0; i < isSet.length; i++) {
        if (!isSet[i]) {
          missing.add(names().inputs[i]);
        }
      }
      throw new IllegalStateException(
          "the inputs %s were not set since the last step; set(name, values) each before step()"
              .formatted(missing));
    }
  }

  /** A step was made: its inputs are used up. */
  void stepped() {
    Arrays.fill(isSet, false);
    hasOutput = true;
  }

  /** The state was replaced: nothing is set, and there is no output yet. */
  void forget() {
    Arrays.fill(isSet, false);
    hasOutput = false;
  }

  /** Copies a named output of the last step. */
  void get(String output, float[] values) {
    int number = Names.number(output, names().outputs, "output");
    int width = names().outputWidths[number];
    if (values.length != width) {
      throw new IllegalArgumentException(
          "there is room for %d values, output %s has %d".formatted(values.length, output, width));
    }
    if (!hasOutput) {
      throw new IllegalStateException("there was no step yet that gave %s".formatted(output));
    }
    MemorySegment.copy(stream.output(number), JAVA_FLOAT, 0, values, 0, width);
  }

  /** Position of the first value the plan does not take, or -1. */
  int check(float[] input) {
    requireOneInputAndOutput();
    requireWidth(inputs, input, "");
    for (int i = 0; i < inputs; i++) {
      if (!isTaken(input[i], inputBound)) {
        return i;
      }
    }
    return -1;
  }

  /**
   * Copies an input and checks the copy: the caller's array may be written meanwhile. What is
   * refused is not left in the stream's memory.
   */
  void take(float[] input) {
    requireOneInputAndOutput();
    MemorySegment copy = stream.input();
    try {
      copyAndCheck(inputs, inputBound, tokens > 0, input, copy, 0, -1);
    } catch (IllegalArgumentException refused) {
      copy.fill((byte) 0);
      throw refused;
    }
  }

  /** The same for one step of a sequence, to {@code at} floats into {@code to}. */
  static void take(Plan plan, float[] input, MemorySegment to, long at, int step) {
    copyAndCheck(
        plan.model().inputs(), plan.inputBound(), plan.model().readsTokens(), input, to, at, step);
  }

  private static void copyAndCheck(
      int inputs, float bound, boolean oneHot, float[] input, MemorySegment to, long at, int step) {
    requireWidth(inputs, input, step < 0 ? "" : "step " + step + ": ");
    MemorySegment.copy(input, 0, to, JAVA_FLOAT, 4 * at, inputs);
    for (int i = 0; i < inputs; i++) {
      float value = to.getAtIndex(JAVA_FLOAT, at + i);
      if (!isTaken(value, bound)) {
        throw new InputRefusedException(step, null, i, value, bound, oneHot);
      }
    }
  }

  /** Written so that NaN fails it too. */
  private static boolean isTaken(float value, float bound) {
    return Math.abs(value) <= bound;
  }

  private static void requireWidth(int inputs, float[] input, String where) {
    if (input.length != inputs) {
      throw new IllegalArgumentException(
          "%sinput has %d values, the model reads %d".formatted(where, input.length, inputs));
    }
  }

  void checkToken(int token) {
    if (token < 0 || token >= tokens) {
      throw refusedToken(tokens, token);
    }
  }

  static void checkToken(Plan plan, int token) {
    int tokens = plan.model().readsTokens() ? plan.model().inputs() : 0;
    if (token < 0 || token >= tokens) {
      throw refusedToken(tokens, token);
    }
  }

  private static RuntimeException refusedToken(int tokens, int token) {
    return tokens == 0
        ? new UnsupportedOperationException(
            "the model reads vectors, not tokens; give it a float[], or the weights file a"
                + " vocabulary or an embedding")
        : new IllegalArgumentException(
            "token %d is out of range; the model reads %d tokens, from 0 to %d%s"
                .formatted(
                    token,
                    tokens,
                    tokens - 1,
                    token == -1
                        ? "; -1 stands for a character that is not in the vocabulary, choose a"
                            + " token for those"
                        : ""));
  }

  void checkOutput(float[] output) {
    requireOneInputAndOutput();
    if (output.length != outputs) {
      throw new IllegalArgumentException(
          "output has room for %d values, the model gives %d".formatted(output.length, outputs));
    }
  }

  void read(float[] output) {
    MemorySegment.copy(stream.output(), JAVA_FLOAT, 0, output, 0, outputs);
  }

  /** The stream's state. */
  StateVectors state() {
    return state;
  }
}
