package io.github.stillgate.core.stage;

import io.github.stillgate.core.kernel.Batch;
import io.github.stillgate.core.kernel.Binding;
import io.github.stillgate.core.kernel.Lanes;
import io.github.stillgate.core.kernel.Operand;
import io.github.stillgate.core.kernel.PackLayout;
import io.github.stillgate.core.kernel.Product;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One stage in one direction over the steps of a sequence. */
final class Pass {
  /** Number of values the stage returns. */
  final int outputs;

  private final OneThread thread;
  private final boolean backward;
  private final Operand input;
  private final Run run;
  private final @Nullable Ahead[] ahead;
  private long clampedValues;

  Pass(Slot.Direction direction, int width, SegmentAllocator states, OneThread thread) {
    this.thread = thread;
    StreamMemory memory = thread.memory();
    Stage stage = direction.stage();
    this.outputs = stage.outputs();
    this.backward = direction.backward();
    this.input = new Operand(width, memory);
    this.run = stage.open(List.of(input), states, memory);
    run.divide(thread.split(), memory);
    Phase[] phases = run.phases();
    this.ahead = new Ahead[phases.length];
    for (int i = 0; i < phases.length; i++) {
      ahead[i] = ahead(phases[i], memory);
    }
  }

  /** What can be made before the states are known: the sums over the input, of all groups. */
  private @Nullable Ahead ahead(Phase phase, SegmentAllocator memory) {
    Product product = phase.product();
    if (product != null && phase.isFixed()) {
      for (int operand = 0; operand < product.pack().layout().operands(); operand++) {
        if (product.operand(operand) == input && !product.pack().lags(operand)) {
          return new Ahead(phase, product, operand, thread.split(), memory);
        }
      }
    }
    return null;
  }

  /** The tokens from {@code begin} on; vectors go to {@code to} from {@code column} on. */
  void run(int[] tokens, int begin, int count, SequenceRun.Vectors to, int column) {
    for (int i = 0; i < count; i++) {
      thread.requireOpen();
      int t = backward ? count - 1 - i : i;
      run.readToken(tokens[begin + t]);
      run.step();
      clampedValues += run.clampedValues();
      keep(to, column, t);
    }
  }

  /** The vectors of {@code from}, which go to {@code to} from {@code column} on. */
  void run(SequenceRun.Vectors from, int steps, SequenceRun.Vectors to, int column) {
    run.readVector();
    for (int begin = 0; begin < steps; begin += SequenceRun.AHEAD) {
      int count = Math.min(SequenceRun.AHEAD, steps - begin);
      thread.requireOpen();
      for (Ahead sums : ahead) {
        if (sums != null) {
          clampedValues += sums.multiply(from, begin, count, backward ? steps : -1);
        }
      }
      for (int i = 0; i < count; i++) {
        thread.requireOpen();
        int t = backward ? steps - 1 - begin - i : begin + i;
        MemorySegment.copy(from.memory(), from.at(t), input.floats(), 0, 4L * input.width());
        step(i);
        keep(to, column, t);
      }
    }
  }

  private void step(int i) {
    Phase[] phases = run.phases();
    for (int phase = 0; phase < phases.length; phase++) {
      Ahead sums = ahead[phase];
      if (sums != null) {
        sums.take(i);
      }
      phases[phase].run();
    }
    clampedValues += run.clampedValues();
  }

  /** Values that were beyond the scale of their operand, over all steps. */
  long clampedValues() {
    return clampedValues;
  }

  private void keep(SequenceRun.Vectors to, int column, int t) {
    MemorySegment.copy(run.output().floats(), 0, to.memory(), to.at(t) + 4L * column, 4L * outputs);
  }

  /** The sums of one phase over its input, for many steps at once. */
  private static final class Ahead {
    private final Phase phase;
    private final Product product;
    private final int operand;
    private final BatchProduct batched;
    private final long bytes;
    private final Binding[] bindings = new Binding[SequenceRun.AHEAD];
    private final MemorySegment[] sums = new MemorySegment[SequenceRun.AHEAD];

    Ahead(
        Phase phase, Product product, int operand, @Nullable Split split, SegmentAllocator memory) {
      this.phase = phase;
      this.product = product;
      this.operand = operand;
      PackLayout layout = product.pack().layout();
      this.batched = new BatchProduct(SequenceRun.AHEAD, product.pack(), split, memory);
      this.bytes = layout.part(operand).bytes();
      for (int i = 0; i < SequenceRun.AHEAD; i++) {
        bindings[i] = new Binding(layout.operands(), memory);
        sums[i] = Lanes.floats(layout.part(operand).sumFloats(), memory);
      }
    }

    /**
     * Makes the sums of {@code count} steps; {@code steps} of all if it goes from the end, or -1.
     *
     * @return values that were beyond the operand's scale
     */
    long multiply(SequenceRun.Vectors from, int begin, int count, int steps) {
      Batch batch = batched.batch();
      batch.clear();
      long clamped = 0;
      for (int i = 0; i < count; i++) {
        int t = steps < 0 ? begin + i : steps - 1 - begin - i;
        MemorySegment vector = from.vector(t);
        bindings[i].put(operand, vector, sums[i]);
        batch.add(phase.groups(), bindings[i]);
        clamped += product.clampedValues(operand, vector);
      }
      batched.multiply(count * bytes);
      batch.release();
      for (int i = 0; i < count; i++) {
        bindings[i].leaveOut(operand);
      }
      return clamped;
    }

    /** Puts the sums of step {@code i} into its place. */
    void take(int i) {
      product.take(operand, sums[i]);
    }
  }
}
