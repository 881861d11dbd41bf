package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.github.stillgate.core.kernel.reference.ReferenceBackend;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
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
    caught(multiply(() -> {}), "operand 0: vector", "needed are 128");
    stream.put(0, vector, arena.allocate(256, 64).asSlice(4, 128));
    caught(multiply(() -> {}), "operand 0: sums", "aligned to 64");
    stream.put(0, vector, sums);
    caught(() -> pack(() -> {}).multiply(set, 0, 2, stream, vector), "scratch");
  }

  @Test
  void catchesABatchWithoutItsScratch() {
    Pack pack = pack(() -> {});
    Batch batch = new Batch(1, pack, arena);
    batch.add(set, stream);
    caught(() -> pack.multiply(batch, 0, UNITS, vector), "scratch", "needed are 1024");
  }

  @Test
  void catchesAVectorThatIsNotFinite() {
    vector.setAtIndex(JAVA_FLOAT, 2, Float.NEGATIVE_INFINITY);
    caught(multiply(() -> {}), "operand 0: vector is -Infinity at 2");
  }

  @Test
  void catchesSumsThatLieOverTheVector() {
    stream.put(0, vector, vector);
    caught(multiply(() -> {}), "operand 0: vector and sums", "overlap");
  }

  @Test
  void catchesAnAddressThatIsNotThatOfTheSegment() {
    stream.addresses().setAtIndex(JAVA_LONG, 1, vector.address());
    caught(multiply(() -> {}), "operand 0 is bound to other memory");
  }

  @Test
  void catchesAStreamThatWasBoundAgainAfterItWasAdded() {
    Pack pack = pack(() -> {});
    Batch batch = new Batch(1, pack, arena);
    batch.add(set, stream);
    stream.put(0, Lanes.floats(COLUMNS, arena), sums);
    caught(() -> pack.multiply(batch), "operand 0 is bound to other memory");
  }

  @Test
  void catchesStreamsThatLeaveOutDifferentOperands() {
    Pack pack = pack(() -> {});
    Batch batch = new Batch(2, pack, arena);
    batch.add(set, stream);
    batch.add(set, new Binding(1, arena));
    caught(() -> pack.multiply(batch), "leave operand 0 out, stream 1 does");
  }

  @Test
  void catchesABindingOfOtherOperands() {
    caught(
        () -> pack(() -> {}).multiply(set, 0, 2, new Binding(2, arena), scratch),
        "2 operands bound to a pack of 1");
  }

  @Test
  void catchesGroupsOutOfRangeInABatch() {
    Pack pack = pack(() -> {});
    Batch batch = new Batch(1, pack, arena);
    batch.add(set, stream);
    caught(() -> pack.multiply(batch, 0, UNITS + 1, batch.scratch()), "groups 0 .. 6 of 5");
  }

  @Test
  void checksVectorOperationsAndCellsToo() {
    Backend checked = CheckedBackend.of(new ReferenceBackend());
    caught(() -> checked.vectors().add(0, vector, vector, vector), "add: 0 elements");
    caught(() -> checked.cells().preactivate(0, vector, vector, vector, vector), "0 elements");
  }

  /** The check of a call that is right allocates nothing, so a step under it does not either. */
  @Test
  void allocatesNothingInACallThatIsRight() {
    Pack pack = pack(() -> {});
    Batch batch = new Batch(1, pack, arena);
    batch.add(set, stream);
    Backend checked = CheckedBackend.of(new ReferenceBackend());
    VectorOps ops = checked.vectors();
    Cells cells = checked.cells();
    MemorySegment[] v = new MemorySegment[6];
    Arrays.setAll(v, _ -> Lanes.floats(3, 5, arena));
    MemorySegment room = Lanes.floats(Cells.SCRATCH_ROWS, 5, arena);
    Runnable step =
        () -> {
          pack.multiply(set, 0, 2, stream, scratch);
          pack.multiply(batch);
          ops.selectPositive(UNITS, sums, set);
          set.count(2);
          set.indices().setAtIndex(JAVA_INT, 0, 1);
          set.indices().setAtIndex(JAVA_INT, 1, 3);
          ops.multiplyAdd(5, v[0], v[1], v[2], v[3]);
          ops.add(5, v[0], v[1], v[3]);
          ops.subtract(5, v[0], v[1], v[3]);
          ops.multiply(5, v[0], v[1], v[3]);
          ops.choose(5, v[0], v[1], v[2], v[3]);
          ops.apply(Pointwise.SIGMOID, 0, 0, 5, v[0], v[3]);
          ops.flush(5, v[0], v[3]);
          ops.spread(5, 2, v[0], v[3]);
          ops.softmax(5, v[0], v[3]);
          cells.preactivate(5, v[0], v[1], v[2], v[3]);
          cells.conditionalGru(5, v[5], v[0], v[1], v[2], room, v[4]);
          cells.gru(5, v[0], v[1], v[2], room, v[4]);
          cells.blend(5, v[0], v[1], room, v[4]);
          cells.carry(5, v[0], v[1], v[2], room, v[4]);
        };
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long allocated = Long.MAX_VALUE;
    // What is interpreted allocates views; compilation may be under way in the first rounds.
    for (int round = 0; round < 40 && allocated > 1_000; round++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < 2_000; i++) {
        step.run();
      }
      allocated = threads.getCurrentThreadAllocatedBytes() - before;
    }
    assertThat(allocated).as("bytes in 2000 steps").isLessThanOrEqualTo(1_000);
  }

  @Test
  void catchesASetThatDoesNotAscendOrIsOutOfRange() {
    set.indices().setAtIndex(JAVA_INT, 1, 1);
    caught(multiply(() -> {}), "group 1 after 1");
    set.indices().setAtIndex(JAVA_INT, 1, UNITS);
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
            Arrays.fill(to, 1f);
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
