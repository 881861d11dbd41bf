package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.stillgate.core.kernel.reference.ReferenceBackend;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Cells that break a rule, or callers that do, are caught by name. */
class CheckedCellsTest {
  private static final int N = 5;
  private static final int STRIDE = 32;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment z = Lanes.floats(N, arena);
  private final MemorySegment x = Lanes.floats(3, N, arena);
  private final MemorySegment h = Lanes.floats(3, N, arena);
  private final MemorySegment bias = Lanes.floats(3, N, arena);
  private final MemorySegment scratch = Lanes.floats(Cells.SCRATCH_ROWS, N, arena);
  private final MemorySegment state = Lanes.floats(N, arena);

  CheckedCellsTest() {
    z.setAtIndex(JAVA_FLOAT, 1, 0.5f);
  }

  @AfterEach
  void close() {
    arena.close();
  }

  private static Cells checked(Runnable fault) {
    Cells right = new ReferenceBackend().cells();
    return new CheckedCells(CheckedVectorsTest.faulty(Cells.class, right, fault));
  }

  private static void caught(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call).isInstanceOf(AssertionError.class).hasMessageContainingAll(parts);
  }

  /** A cell over {@link #x}, and the last of its rows there. */
  private record Case(String name, int rows, Call call) {
    interface Call {
      void run(Cells cells);
    }
  }

  private List<Case> cases(MemorySegment over, MemorySegment room, MemorySegment out) {
    return List.of(
        new Case("preactivate", 1, cells -> cells.preactivate(N, over, h, bias, out)),
        new Case(
            "conditionalGru", 2, cells -> cells.conditionalGru(N, z, over, h, bias, room, out)),
        new Case("gru", 3, cells -> cells.gru(N, over, h, bias, room, out)),
        new Case("blend", 1, cells -> cells.blend(N, over, z, room, out)),
        new Case("carry", 1, cells -> cells.carry(N, over, z, h, room, out)));
  }

  private List<Case> cases() {
    return cases(x, scratch, state);
  }

  @Test
  void passesWhatIsRight() {
    for (Case one : cases()) {
      one.call().run(checked(() -> {}));
    }
    checked(() -> {}).preactivate(N, x, h, bias, x);
    checked(() -> {}).preactivate(N, x, h, bias, h);
  }

  @Test
  void catchesAnInputThatWasWritten() {
    for (Case one : cases()) {
      int last = (one.rows() - 1) * STRIDE + N - 1;
      x.setAtIndex(JAVA_FLOAT, last, 0f);
      Cells cells = checked(() -> x.setAtIndex(JAVA_FLOAT, last, 1f));
      caught(() -> one.call().run(cells), one.name(), "was written");
    }
    for (MemorySegment input : List.of(h, bias)) {
      Cells cells = checked(() -> input.setAtIndex(JAVA_FLOAT, 0, 3f));
      for (Case one : cases().subList(0, 3)) {
        input.setAtIndex(JAVA_FLOAT, 0, 0f);
        caught(() -> one.call().run(cells), one.name(), "was written");
      }
    }
    Cells cells = checked(() -> z.setAtIndex(JAVA_FLOAT, 3, 0.25f));
    for (Case one : List.of(cases().get(1), cases().get(3), cases().get(4))) {
      z.setAtIndex(JAVA_FLOAT, 3, 0f);
      caught(() -> one.call().run(cells), one.name(), "was written");
    }
  }

  @Test
  void catchesAStateThatIsNotFinite() {
    for (Case one : cases()) {
      state.setAtIndex(JAVA_FLOAT, 1, 0f);
      Cells cells = checked(() -> state.setAtIndex(JAVA_FLOAT, 1, Float.NaN));
      caught(() -> one.call().run(cells), one.name(), "is NaN at 1");
    }
  }

  @Test
  void catchesAnArgumentThatIsNotFinite() {
    for (Case one : cases()) {
      int last = (one.rows() - 1) * STRIDE + N - 1;
      x.setAtIndex(JAVA_FLOAT, last, Float.POSITIVE_INFINITY);
      caught(() -> one.call().run(checked(() -> {})), one.name(), "is Infinity at " + last);
      x.setAtIndex(JAVA_FLOAT, last, 0f);
    }
  }

  @Test
  void catchesAStillUnitThatMoved() {
    Cells cells = checked(() -> state.setAtIndex(JAVA_FLOAT, 2, -0f));
    caught(
        () -> cells.conditionalGru(N, z, x, h, bias, scratch, state),
        "conditionalGru: the state of a still unit was written");
  }

  @Test
  void catchesMemoryThatIsTooSmallOrNotAligned() {
    MemorySegment small = x.asSlice(0, 64);
    for (Case one : cases(small, scratch, state)) {
      caught(() -> one.call().run(checked(() -> {})), one.name(), "has 64 bytes");
    }
    for (Case one : cases(x, scratch, arena.allocate(256, 64).asSlice(4, 128))) {
      caught(() -> one.call().run(checked(() -> {})), one.name(), "aligned to 64");
    }
    // Scratch is three rows, whatever a backend makes of it.
    for (Case one : cases(x, scratch.asSlice(0, 256), state).subList(1, 5)) {
      caught(() -> one.call().run(checked(() -> {})), one.name(), "scratch has 256 bytes");
    }
  }

  @Test
  void catchesMemoryThatIsSharedWhereItMustNotBe() {
    for (Case one : cases(x, scratch, x).subList(1, 5)) {
      caught(() -> one.call().run(checked(() -> {})), one.name(), "overlap");
    }
    for (Case one : cases(x, x, state).subList(1, 5)) {
      caught(() -> one.call().run(checked(() -> {})), one.name(), "overlap");
    }
    for (Case one : cases(x, scratch, scratch.asSlice(256)).subList(1, 5)) {
      caught(() -> one.call().run(checked(() -> {})), one.name(), "scratch and state", "overlap");
    }
    Cells cells = checked(() -> {});
    caught(() -> cells.preactivate(N, x, h, bias, bias), "bias and out", "overlap");
    MemorySegment long33 = Lanes.floats(3, 33, arena);
    MemorySegment h33 = Lanes.floats(33, arena);
    caught(
        () -> cells.preactivate(33, long33, h33, Lanes.floats(33, arena), long33.asSlice(64)),
        "x and out",
        "overlap");
  }
}
