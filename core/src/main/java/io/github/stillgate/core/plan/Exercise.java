package io.github.stillgate.core.plan;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.model.Model;

/** What a plan warms up with: steps of a stream, or short sequences where there are no steps. */
sealed interface Exercise extends AutoCloseable {
  /**
   * One step, or one sequence. Alternates tokens and vectors, so that both ways in get compiled.
   */
  void step(int number);

  /** Whether compiled steps allocate nothing. */
  boolean allocatesNothing();

  /** Runs while nothing can free the packs: a plan that is closed meanwhile waits for the end. */
  void inside(Runnable measurement);

  @Override
  void close();

  /** Steps of a stream. */
  record OfStream(StreamState stream, Model model) implements Exercise {
    @Override
    public void step(int number) {
      stream.enter();
      try {
        if (model.readsTokens() && number % 4 != 0) {
          stream.step(number % model.inputs());
        } else {
          stream.input().setAtIndex(JAVA_FLOAT, number % model.inputs(), number % 2);
          stream.step();
        }
      } finally {
        stream.exit();
      }
    }

    @Override
    public boolean allocatesNothing() {
      return true;
    }

    @Override
    public void inside(Runnable measurement) {
      stream.enter();
      try {
        measurement.run();
      } finally {
        stream.exit();
      }
    }

    @Override
    public void close() {
      stream.close();
    }
  }

  /** Sequences of a few steps. */
  record OfSequence(SequenceState sequence, Model model) implements Exercise {
    private static final int STEPS = 4;

    @Override
    public void step(int number) {
      float[][] output = new float[STEPS][model.outputs()];
      sequence.enter();
      try {
        if (model.readsTokens() && number % 4 != 0) {
          int[] tokens = new int[STEPS];
          for (int t = 0; t < STEPS; t++) {
            tokens[t] = (number + t) % model.inputs();
          }
          sequence.run(tokens, output);
        } else {
          float[][] input = new float[STEPS][model.inputs()];
          input[number % STEPS][number % model.inputs()] = 1;
          sequence.run(input, output);
        }
      } finally {
        sequence.exit();
      }
    }

    @Override
    public boolean allocatesNothing() {
      return false;
    }

    @Override
    public void inside(Runnable measurement) {
      sequence.enter();
      try {
        measurement.run();
      } finally {
        sequence.exit();
      }
    }

    @Override
    public void close() {
      sequence.close();
    }
  }
}
