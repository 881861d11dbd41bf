package io.github.stillgate.core.session;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.StreamState;
import java.lang.foreign.MemorySegment;

/**
 * Where values go in and out of one stream: it refuses what the plan cannot take, before anything
 * changes. The caller holds the stream where memory is touched.
 */
final class Port {
  private final StreamState stream;
  private final StateVectors state;
  private final int inputs;
  private final int outputs;
  private final int tokens;
  private final float inputBound;

  Port(Plan plan, StreamState stream) {
    this.stream = stream;
    this.state = new StateVectors(plan, stream.state());
    this.inputs = plan.model().inputs();
    this.outputs = plan.model().outputs();
    this.tokens = plan.model().readsTokens() ? inputs : 0;
    this.inputBound = plan.inputBound();
  }

  void checkInput(float[] input) {
    checkInput(inputs, inputBound, input, "");
  }

  /** Refuses one step of a sequence; {@code where} begins the message. */
  static void checkInput(Plan plan, float[] input, String where) {
    checkInput(plan.model().inputs(), plan.inputBound(), input, where);
  }

  private static void checkInput(int inputs, float inputBound, float[] input, String where) {
    if (input.length != inputs) {
      throw new IllegalArgumentException(
          "%sinput has %d values, the model reads %d".formatted(where, input.length, inputs));
    }
    for (int i = 0; i < input.length; i++) {
      // Written so that NaN fails it too.
      if (!(Math.abs(input[i]) <= inputBound)) {
        throw new IllegalArgumentException(
            "%sinput %d is %s; the plan takes finite values up to %s in magnitude"
                .formatted(where, i, input[i], inputBound));
      }
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
            "token %d is out of range; the model reads %d tokens".formatted(token, tokens));
  }

  void checkOutput(float[] output) {
    if (output.length != outputs) {
      throw new IllegalArgumentException(
          "output has room for %d values, the model gives %d".formatted(output.length, outputs));
    }
  }

  void write(float[] input) {
    MemorySegment.copy(input, 0, stream.input(), JAVA_FLOAT, 0, inputs);
  }

  void read(float[] output) {
    MemorySegment.copy(stream.output(), JAVA_FLOAT, 0, output, 0, outputs);
  }

  /** The stream's state. */
  StateVectors state() {
    return state;
  }
}
