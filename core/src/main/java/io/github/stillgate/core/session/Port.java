package io.github.stillgate.core.session;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.stage.StreamRun;
import java.lang.foreign.MemorySegment;

/**
 * Where values go in and out of one stream: it refuses what the plan cannot take, before the state
 * changes. The caller holds the stream where memory is touched.
 */
final class Port {
  private final StreamRun stream;
  private final StateVectors state;
  private final int inputs;
  private final int outputs;
  private final int tokens;
  private final float inputBound;

  Port(Plan plan, StreamRun stream) {
    this.stream = stream;
    this.state = new StateVectors(plan, stream.state());
    this.inputs = plan.model().inputs();
    this.outputs = plan.model().outputs();
    this.tokens = plan.model().readsTokens() ? inputs : 0;
    this.inputBound = plan.inputBound();
  }

  /** Position of the first value the plan does not take, or -1. */
  int check(float[] input) {
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
        throw new InputRefusedException(step, i, value, bound, oneHot);
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
