package io.github.stillgate.core.plan;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.stage.BatchRun;
import io.github.stillgate.core.stage.SequenceRun;
import io.github.stillgate.core.stage.StreamRun;
import java.lang.foreign.MemorySegment;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** One of the ways in which a plan will be run, to be gone until it is compiled. */
sealed interface Exercise extends AutoCloseable {
  /** How much of what an exercise runs has not been run before it. */
  enum Extent {
    /** All of it. */
    WHOLE,
    /** What is its own; the loops over rows are those of an exercise before it. */
    REST
  }

  /**
   * One round. Alternates tokens and vectors where a model takes both, so that both ways in get
   * compiled.
   */
  void round(int number);

  /** Rounds after which the loops of the kernels have been gone through often enough for C2. */
  int rounds();

  /** Whether compiled rounds allocate nothing. */
  boolean allocatesNothing();

  /**
   * Runs while nothing can free the packs. The measurement is told whether the plan wants to close,
   * which then waits for its end.
   */
  void inside(Consumer<BooleanSupplier> measurement);

  @Override
  void close();

  /** Whether the round with this number is one of tokens. */
  private static boolean byToken(Model model, int number) {
    return model.readsTokens() && number % 4 != 0;
  }

  /** Steps of one stream. */
  record OfStream(StreamRun stream, Model model) implements Exercise {
    @Override
    public void round(int number) {
      stream.enter();
      try {
        stream.begin();
        if (byToken(model, number)) {
          stream.step(number % model.inputs());
        } else {
          stream.input().setAtIndex(JAVA_FLOAT, number % model.inputs(), number % 2);
          stream.step();
        }
        stream.finish();
      } finally {
        stream.exit();
      }
    }

    @Override
    public void inside(Consumer<BooleanSupplier> measurement) {
      stream.enter();
      try {
        measurement.accept(stream::isClosed);
      } finally {
        stream.exit();
      }
    }

    @Override
    public int rounds() {
      return 12_000;
    }

    @Override
    public boolean allocatesNothing() {
      return true;
    }

    @Override
    public void close() {
      stream.close();
    }
  }

  /**
   * Steps of a batch: of all its streams, of a few, of one. What shares a block of weights is other
   * code than what multiplies for one stream.
   */
  record OfBatch(BatchRun batch, Model model) implements Exercise {
    /** Streams in the batch. */
    static final int STREAMS = 64;

    @Override
    public void round(int number) {
      batch.enter();
      try {
        batch.begin();
        for (int i = 0; i < streams(number); i++) {
          if (byToken(model, number + i)) {
            batch.offer(i, (number + i) % model.inputs());
          } else {
            MemorySegment input = batch.stream(i).input();
            input.setAtIndex(JAVA_FLOAT, (number + i) % model.inputs(), (number + i) % 2);
            batch.offer(i);
          }
        }
        batch.step();
        batch.finish();
      } finally {
        batch.exit();
      }
    }

    /** A few at first, as long as a round is slow. */
    private static int streams(int number) {
      if (number < STREAMS) {
        return 1 + number % 4;
      }
      return switch (number % 4) {
        case 0 -> 1 + number / 4 % STREAMS;
        case 1 -> 1;
        default -> STREAMS;
      };
    }

    @Override
    public void inside(Consumer<BooleanSupplier> measurement) {
      batch.enter();
      try {
        measurement.accept(batch::isClosed);
      } finally {
        batch.exit();
      }
    }

    @Override
    public int rounds() {
      return 600;
    }

    @Override
    public boolean allocatesNothing() {
      return true;
    }

    @Override
    public void close() {
      batch.close();
    }
  }

  /** Sequences of some steps. */
  record OfSequence(SequenceRun sequence, Model model) implements Exercise {
    /** More than the sums of which are made together, so that there is a rest. */
    private static final int STEPS = 40;

    @Override
    public void round(int number) {
      float[][] output = new float[STEPS][model.outputs()];
      sequence.enter();
      try {
        if (byToken(model, number)) {
          sequence.roomForTokens(STEPS);
          sequence.begin();
          int[] tokens = new int[STEPS];
          for (int t = 0; t < STEPS; t++) {
            tokens[t] = (number + t) % model.inputs();
          }
          sequence.run(tokens, output);
        } else {
          MemorySegment input = sequence.room(STEPS);
          sequence.begin();
          input.asSlice(0, 4L * STEPS * sequence.inputStride()).fill((byte) 0);
          long one = (long) number % STEPS * sequence.inputStride() + number % model.inputs();
          input.setAtIndex(JAVA_FLOAT, one, 1);
          sequence.run(STEPS, output);
        }
        sequence.finish();
      } finally {
        sequence.exit();
      }
    }

    @Override
    public void inside(Consumer<BooleanSupplier> measurement) {
      sequence.enter();
      try {
        measurement.accept(sequence::isClosed);
      } finally {
        sequence.exit();
      }
    }

    @Override
    public int rounds() {
      return 12_000 / STEPS;
    }

    @Override
    public boolean allocatesNothing() {
      return false;
    }

    @Override
    public void close() {
      sequence.close();
    }
  }
}
