package io.github.stillgate.core.kernel;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.stillgate.core.kernel.reference.ReferenceBackend;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Vector operations that break a rule, or callers that do, are caught by name. */
class CheckedVectorsTest {
  private static final int N = 5;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment a = vector(1);
  private final MemorySegment b = vector(2);
  private final MemorySegment c = vector(3);
  private final MemorySegment out = vector(0);
  private final ActiveSet set = new ActiveSet(N, arena);

  @AfterEach
  void close() {
    arena.close();
  }

  private MemorySegment vector(float value) {
    MemorySegment vector = Lanes.floats(N, arena);
    for (int i = 0; i < N; i++) {
      vector.setAtIndex(JAVA_FLOAT, i, value);
    }
    return vector;
  }

  /** Right operations, after each of which {@code fault} is done. */
  static <T> T faulty(Class<T> kind, T right, Runnable fault) {
    return kind.cast(
        Proxy.newProxyInstance(
            kind.getClassLoader(),
            new Class<?>[] {kind},
            (_, method, arguments) -> {
              Object result = method.invoke(right, arguments);
              fault.run();
              return result;
            }));
  }

  private VectorOps checked(Runnable fault) {
    return new CheckedVectors(faulty(VectorOps.class, new ReferenceBackend().vectors(), fault));
  }

  private static void caught(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call).isInstanceOf(AssertionError.class).hasMessageContainingAll(parts);
  }

  /** Every operation that writes {@code out} from inputs of its length. */
  private List<ThrowingCallable> writing(VectorOps ops) {
    List<ThrowingCallable> all = new ArrayList<>();
    all.add(() -> ops.add(N, a, b, out));
    all.add(() -> ops.subtract(N, a, b, out));
    all.add(() -> ops.multiply(N, a, b, out));
    all.add(() -> ops.multiplyAdd(N, a, b, c, out));
    all.add(() -> ops.choose(N, a, b, c, out));
    all.add(() -> ops.flush(N, a, out));
    all.add(() -> ops.spread(N, 1, a, out));
    all.add(() -> ops.softmax(N, a, out));
    for (Pointwise function : Pointwise.values()) {
      all.add(() -> ops.apply(function, 0.5f, 1, N, a, out));
    }
    return all;
  }

  @Test
  void passesWhatIsRight() throws Throwable {
    for (ThrowingCallable call : writing(checked(() -> {}))) {
      call.call();
    }
    checked(() -> {}).selectPositive(N, a, set);
    checked(() -> {}).add(N, a, a, a);
  }

  @Test
  void catchesAnInputThatWasWritten() {
    for (ThrowingCallable call : writing(checked(() -> a.setAtIndex(JAVA_FLOAT, 2, -9f)))) {
      a.setAtIndex(JAVA_FLOAT, 2, 1f);
      caught(call, "was written");
    }
    VectorOps ops = checked(() -> c.setAtIndex(JAVA_FLOAT, 4, -9f));
    caught(() -> ops.multiplyAdd(N, a, b, c, out), "multiplyAdd: an input was written");
    c.setAtIndex(JAVA_FLOAT, 4, 9f);
    caught(() -> ops.choose(N, a, b, c, out), "choose: an input was written");
    caught(
        () -> checked(() -> a.setAtIndex(JAVA_FLOAT, 0, 7f)).selectPositive(N, a, set),
        "selectPositive: scores was written");
  }

  @Test
  void catchesAResultThatIsNotFinite() {
    for (ThrowingCallable call : writing(checked(() -> out.setAtIndex(JAVA_FLOAT, 4, 1f / 0)))) {
      caught(call, "out is Infinity at 4");
    }
  }

  @Test
  void catchesAnArgumentThatIsNotFinite() {
    a.setAtIndex(JAVA_FLOAT, 3, Float.NaN);
    for (ThrowingCallable call : writing(checked(() -> {}))) {
      caught(call, "is NaN at 3");
    }
    caught(() -> checked(() -> {}).selectPositive(N, a, set), "scores is NaN at 3");
    VectorOps ops = checked(() -> {});
    caught(() -> ops.add(N, b, a, out), "add: input 1 is NaN");
    caught(() -> ops.multiplyAdd(N, b, c, a, out), "multiplyAdd: input 2 is NaN");
  }

  @Test
  void catchesMemoryThatIsTooSmallOrNotAligned() {
    VectorOps ops = checked(() -> {});
    MemorySegment small = a.asSlice(0, 64);
    MemorySegment askew = arena.allocate(256, 64).asSlice(4, 128);
    caught(() -> ops.add(N, small, b, out), "add: input 0 has 64 bytes", "needed are 128");
    caught(() -> ops.add(N, a, askew, out), "add: input 1", "aligned to 64");
    caught(() -> ops.flush(N, a, small), "flush: out has 64 bytes");
    caught(() -> ops.spread(N, 1, small, out), "spread: values");
    caught(() -> ops.spread(N, 1, a, askew), "spread: out");
    caught(() -> ops.selectPositive(N, askew, set), "selectPositive: scores");
  }

  @Test
  void catchesAnOutputThatLiesPartlyOverAnInput() {
    MemorySegment two = Lanes.floats(2, 33, arena);
    MemorySegment shifted = two.asSlice(64, 256);
    VectorOps ops = checked(() -> {});
    caught(() -> ops.flush(33, two, shifted), "flush: input 0 and out", "overlap");
    caught(() -> ops.spread(N, 1, a, a), "spread: values and out", "overlap");
  }

  @Test
  void catchesCountsThatAreNone() {
    VectorOps ops = checked(() -> {});
    caught(() -> ops.flush(0, a, out), "flush: 0 elements");
    caught(() -> ops.selectPositive(0, a, set), "selectPositive: 0 elements");
    caught(() -> ops.spread(N, 0, a, out), "blocks of 0 units");
  }

  @Test
  void catchesASelectionThatIsNotThatOfThePositiveScores() {
    caught(
        () -> checked(() -> set.count(4)).selectPositive(N, a, set),
        "4 is positive and not at position 4");
    caught(
        () -> checked(() -> set.indices().setAtIndex(JAVA_INT, 2, 3)).selectPositive(N, a, set),
        "2 is positive and not at position 2");
    a.setAtIndex(JAVA_FLOAT, 1, 0f);
    caught(() -> checked(() -> set.count(5)).selectPositive(N, a, set), "5 selected, 4 positive");
    ActiveSet small = new ActiveSet(N - 1, arena);
    caught(() -> checked(() -> {}).selectPositive(N, a, small), "5 scores, a set of at most 4");
  }

  @Test
  void catchesASoftmaxThatLeavesItsPadding() {
    caught(
        () -> checked(() -> out.setAtIndex(JAVA_FLOAT, N, -0f)).softmax(N, a, out),
        "softmax: -0.0 in the padding at 5");
  }
}
