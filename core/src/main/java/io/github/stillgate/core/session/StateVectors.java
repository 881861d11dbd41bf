package io.github.stillgate.core.session;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.stage.NetworkAccess;
import io.github.stillgate.core.stage.StatePart;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** The state of one stream or sequence as named vectors. The caller holds it while this works. */
final class StateVectors {
  private final Model model;
  private final List<StatePart> parts;
  private final MemorySegment memory;

  /** Empty if it is zeros. */
  private final float[] initial;

  StateVectors(Plan plan, MemorySegment memory) {
    this.model = plan.model();
    this.parts = NetworkAccess.of(plan).stateParts();
    this.memory = memory;
    this.initial = NetworkAccess.of(plan).initialState();
  }

  /** The part called {@code name}. */
  StatePart part(String name) {
    for (StatePart part : parts) {
      if (part.name().equals(name)) {
        return part;
      }
    }
    throw new IllegalArgumentException(
        "no state is named \"%s\"; this model keeps %s"
            .formatted(name, parts.stream().map(StatePart::name).toList()));
  }

  /**
   * A copy of {@code values}, which the caller may go on writing.
   *
   * @throws IllegalArgumentException if the part cannot be that
   */
  static float[] checkedCopy(StatePart part, float[] values) {
    float[] copy = values.clone();
    if (copy.length != part.width()) {
      throw new IllegalArgumentException(
          "%s has %d values, given are %d".formatted(part.name(), part.width(), copy.length));
    }
    for (int i = 0; i < copy.length; i++) {
      Snapshot.check(part, i, copy[i]);
    }
    return copy;
  }

  float[] read(StatePart part) {
    float[] values = new float[part.width()];
    MemorySegment.copy(memory, JAVA_FLOAT, 4L * part.at(), values, 0, values.length);
    return values;
  }

  /** Magnitudes below {@link Elementary#FLUSH_BELOW} become +0. */
  void write(StatePart part, float[] values) {
    for (int i = 0; i < values.length; i++) {
      memory.setAtIndex(JAVA_FLOAT, part.at() + i, Elementary.flush(values[i]));
    }
  }

  /**
   * Replaces one part from outside. What was sent last of operands belongs to the state that was,
   * so it is forgotten: the next step is that of a new stream in this state.
   */
  void replace(StatePart part, float[] values) {
    if (part.kind() != StatePart.Kind.SENT) {
      for (StatePart sent : parts) {
        if (sent.kind() == StatePart.Kind.SENT) {
          memory.asSlice(4L * sent.at(), 4L * sent.width()).fill((byte) 0);
        }
      }
    }
    write(part, values);
  }

  void reset() {
    memory.fill((byte) 0);
    MemorySegment.copy(initial, 0, memory, JAVA_FLOAT, 0, initial.length);
  }

  byte[] snapshot() {
    return Snapshot.encode(model.fingerprint(), parts, this::read);
  }

  /** The values of each part that a snapshot holds, checked. */
  float[][] decode(byte[] snapshot) {
    return Snapshot.decode(snapshot, model, parts);
  }

  void restore(float[][] values) {
    memory.fill((byte) 0);
    for (int i = 0; i < values.length; i++) {
      write(parts.get(i), values[i]);
    }
  }
}
