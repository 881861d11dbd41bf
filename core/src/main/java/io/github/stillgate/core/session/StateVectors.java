package io.github.stillgate.core.session;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.github.stillgate.core.kernel.Elementary;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.StatePart;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** The state of one stream or sequence as named vectors. The caller holds it while this works. */
final class StateVectors {
  private final long fingerprint;
  private final List<StatePart> parts;
  private final MemorySegment memory;

  StateVectors(Plan plan, MemorySegment memory) {
    this.fingerprint = plan.model().fingerprint();
    this.parts = plan.stateParts();
    this.memory = memory;
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

  /** Refuses what the part cannot be. */
  static void check(StatePart part, float[] values) {
    if (values.length != part.width()) {
      throw new IllegalArgumentException(
          "%s has %d values, given are %d".formatted(part.name(), part.width(), values.length));
    }
    for (int i = 0; i < values.length; i++) {
      Snapshot.check(part, i, values[i]);
    }
  }

  float[] read(StatePart part) {
    float[] values = new float[part.width()];
    MemorySegment.copy(memory, JAVA_FLOAT, 4L * part.at(), values, 0, values.length);
    return values;
  }

  void write(StatePart part, float[] values) {
    for (int i = 0; i < values.length; i++) {
      memory.setAtIndex(JAVA_FLOAT, part.at() + i, Elementary.flush(values[i]));
    }
  }

  void reset() {
    memory.fill((byte) 0);
  }

  private int floats() {
    return (int) (memory.byteSize() / JAVA_FLOAT.byteSize());
  }

  /** Without the padding, in which backends may leave what they like. */
  byte[] snapshot() {
    float[] state = new float[floats()];
    for (StatePart part : parts) {
      MemorySegment.copy(memory, JAVA_FLOAT, 4L * part.at(), state, part.at(), part.width());
    }
    return Snapshot.encode(fingerprint, state);
  }

  /** The state a snapshot holds, checked. */
  float[] decode(byte[] snapshot) {
    return Snapshot.decode(snapshot, fingerprint, floats(), parts);
  }

  void restore(float[] state) {
    MemorySegment.copy(state, 0, memory, JAVA_FLOAT, 0, state.length);
  }
}
