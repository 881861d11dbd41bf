package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.stillgate.core.kernel.reference.ReferenceBackend;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalInt;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A backend that breaks one rule, or a caller that does, is caught by name. */
class CheckedBackendTest {
  private static final int UNITS = 5;
  private static final int COLUMNS = 3;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment vector = Lanes.floats(COLUMNS, arena);
  private final MemorySegment sums = Lanes.floats(UNITS, arena);
  private final MemorySegment scratch = Lanes.floats(Pack.SCRATCH_FLOATS, arena);
  private final ActiveSet set = new ActiveSet(UNITS, arena);
  private final Binding stream = new Binding(1, arena);

  CheckedBackendTest() {
    stream.put(0, vector, sums);
    set.set(1, 3);
  }

  @AfterEach
  void close() {
    arena.close();
  }

  @Test
  void passesWhatIsRight() {
    assertThatCode(multiply(() -> {})).doesNotThrowAnyException();
    Batch batch = new Batch(1, pack(() -> {}), arena);
    batch.add(set, stream);
    assertThatCode(() -> pack(() -> {}).multiply(batch)).doesNotThrowAnyException();
  }

  @Test
  void wrapsABackendOnceAndKeepsItsName() {
    Backend checked = CheckedBackend.of(new ReferenceBackend());
    assertThat(CheckedBackend.of(checked)).isSameAs(checked);
    assertThat(checked.name()).isEqualTo("reference");
    assertThat(checked.availability().usableTier()).contains("scalar");
  }

  @Test
  void catchesAKernelThatWritesAnOperand() {
    caught(multiply(() -> vector.setAtIndex(JAVA_FLOAT, 1, 7f)), "an operand or the sum");
  }

  @Test
  void catchesAKernelThatWritesTheSumOfAStillGroup() {
    caught(multiply(() -> sums.setAtIndex(JAVA_FLOAT, 2, 7f)), "an operand or the sum");
  }

  @Test
  void catchesAKernelThatWritesTheSumOfAMissingRow() {
    caught(multiply(() -> sums.setAtIndex(JAVA_FLOAT, 3, -0f)), "unit 3", "missing");
  }

  @Test
  void catchesASumThatIsNotFinite() {
    caught(multiply(() -> sums.setAtIndex(JAVA_FLOAT, 1, Float.NaN)), "unit 1", "NaN");
  }

  @Test
  void catchesTheSameInABatch() {
    Pack pack = pack(() -> sums.setAtIndex(JAVA_FLOAT, 2, 7f));
    Batch batch = new Batch(1, pack, arena);
    batch.add(set, stream);
    caught(() -> pack.multiply(batch), "an operand or the sum");
  }

  @Test
  void catchesAnEmptyBatch() {
    Pack pack = pack(() -> {});
    Batch batch = new Batch(1, pack, arena);
    caught(() -> pack.multiply(batch), "a batch of 0 streams");
  }

  @Test
  void catchesAnOperandThatIsNotZeroInItsPadding() {
    vector.setAtIndex(JAVA_FLOAT, COLUMNS, 1f);
    caught(multiply(() -> {}), "operand 0", "padding at 3");
  }

  @Test
  void catchesMemoryThatIsTooSmallOrNotAligned() {
    stream.put(0, vector.asSlice(0, 4), sums);
    caught(multiply(() -> {}), "vector of operand 0", "needed are 128");
    stream.put(0, vector, arena.allocate(256, 64).asSlice(4, 128));
    caught(multiply(() -> {}), "sums of operand 0", "aligned to 64");
    stream.put(0, vector, sums);
    caught(() -> pack(() -> {}).multiply(set, 0, 2, stream, vector), "scratch");
  }

  @Test
  void catchesASetThatDoesNotAscendOrIsOutOfRange() {
    set.indices().setAtIndex(java.lang.foreign.ValueLayout.JAVA_INT, 1, 1);
    caught(multiply(() -> {}), "group 1 after 1");
    set.indices().setAtIndex(java.lang.foreign.ValueLayout.JAVA_INT, 1, UNITS);
    caught(multiply(() -> {}), "group 5 after 1");
  }

  @Test
  void catchesPositionsOutOfRange() {
    caught(() -> pack(() -> {}).multiply(set, 1, 3, stream, scratch), "positions 1 .. 3");
  }

  private static void caught(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call).isInstanceOf(AssertionError.class).hasMessageContainingAll(parts);
  }

  private ThrowingCallable multiply(Runnable fault) {
    return () -> pack(fault).multiply(set, 0, set.count(), stream, scratch);
  }

  /**
   * Five units of one row each, but for unit 3, and a kernel that does {@code fault} afterwards.
   */
  private Pack pack(Runnable fault) {
    BitSet present = new BitSet();
    present.set(0, UNITS);
    present.clear(3);
    RowSource ones =
        new RowSource() {
          @Override
          public int rows() {
            return UNITS;
          }

          @Override
          public int columns() {
            return COLUMNS;
          }

          @Override
          public void copyRow(int row, float[] to) {
            java.util.Arrays.fill(to, 1f);
          }
        };
    RowGroups rows =
        new RowGroups(UNITS, 1, List.of(new RowGroups.Rows(0, ones, present)), OptionalInt.empty());
    PackedWeights weights = PackedWeights.of(rows, SumOrder.INTERLEAVED, WeightFormat.F32, arena);
    Pack right = new ReferenceBackend().over(weights, arena);
    return new CheckedPack(
        new Pack(weights) {
          @Override
          public void multiply(
              ActiveSet groups, int from, int to, Binding binding, MemorySegment room) {
            right.multiply(groups, from, to, binding, room);
            fault.run();
          }
        });
  }
}
