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
  private final long fingerprint;
  private final int inputs;
  private final int outputs;
  private final int tokens;
  private final float inputBound;

  Port(Plan plan, StreamState stream) {
    this.stream = stream;
    this.fingerprint = plan.model().fingerprint();
    this.inputs = plan.model().inputs();
    this.outputs = plan.model().outputs();
    this.tokens = plan.model().vocabulary().isPresent() ? inputs : 0;
    this.inputBound = plan.inputBound();
  }

  void checkInput(float[] input) {
    if (input.length != inputs) {
      throw new IllegalArgumentException(
          "input has %d values, the model reads %d".formatted(input.length, inputs));
    }
    for (int i = 0; i < input.length; i++) {
      // Written so that NaN fails it too.
      if (!(Math.abs(input[i]) <= inputBound)) {
        throw new IllegalArgumentException(
            "input %d is %s; the plan takes finite values up to %s in magnitude"
                .formatted(i, input[i], inputBound));
      }
    }
  }

  void checkToken(int token) {
    if (token < 0 || token >= tokens) {
      throw refusedToken(token);
    }
  }

  private RuntimeException refusedToken(int token) {
    return tokens == 0
        ? new UnsupportedOperationException(
            "the model reads vectors, not tokens; give it a float[] or the weights file a"
                + " vocabulary")
        : new IllegalArgumentException(
            "token %d is out of range; the vocabulary has %d tokens".formatted(token, tokens));
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

  void reset() {
    stream.state().fill((byte) 0);
  }

  byte[] snapshot() {
    float[] state = new float[stream.stateFloats()];
    MemorySegment.copy(stream.state(), JAVA_FLOAT, 0, state, 0, state.length);
    return Snapshot.encode(fingerprint, state);
  }

  /** The state a snapshot holds, checked. */
  float[] decode(byte[] snapshot) {
    return Snapshot.decode(snapshot, fingerprint, stream.stateFloats());
  }

  void restore(float[] state) {
    MemorySegment.copy(state, 0, stream.state(), JAVA_FLOAT, 0, state.length);
  }
}
