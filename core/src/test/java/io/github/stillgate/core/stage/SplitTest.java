package io.github.stillgate.core.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who does which chunk, and who waits for whom; what workers do here is decided, not raced for. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SplitTest {
  private static final long SPIN = 100_000;
  private static final long MANY = 1L << 20;

  /** Workers that never come: the thread does everything itself, once. */
  @Test
  void aTeamThatDoesNotComeIsNotWaitedFor() {
    Split split = new Split(new Team(4, SPIN, 1), "a stream");
    AtomicIntegerArray times = new AtomicIntegerArray(1_000);
    split.multiply((from, to, worker) -> count(times, from, to), 1_000, MANY);
    assertEachOnce(times);
  }

  @Test
  void everyPositionIsDoneOnceByOneOfSeveral() {
    Team team = new Team(3, SPIN, 1);
    team.start();
    Split split = new Split(team, "a stream");
    for (int positions = 1; positions < 400; positions++) {
      AtomicIntegerArray times = new AtomicIntegerArray(positions);
      split.multiply((from, to, worker) -> count(times, from, to), positions, MANY);
      assertEachOnce(times);
      assertThat(split.isLeft()).isTrue();
    }
    team.close();
  }

  private static void count(AtomicIntegerArray times, int from, int to) {
    for (int i = from; i < to; i++) {
      times.incrementAndGet(i);
    }
  }

  private static void assertEachOnce(AtomicIntegerArray times) {
    for (int i = 0; i < times.length(); i++) {
      assertThat(times.get(i)).as("position %d of %d", i, times.length()).isOne();
    }
  }

  /** One chunk is held by a worker: the thread does all others, and waits for that one alone. */
  @Test
  void theThreadWaitsForChunksThatAreUnderWayOnly() throws InterruptedException {
    Team team = new Team(2, SPIN, 1);
    Split split = new Split(team, "a stream");
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    AtomicIntegerArray times = new AtomicIntegerArray(10);
    AtomicIntegerArray byThread = new AtomicIntegerArray(10);
    Split.Work work =
        (from, to, worker) -> {
          if (worker == 1) {
            begun.countDown();
            await(goOn);
          } else {
            await(begun);
            count(byThread, from, to);
          }
          count(times, from, to);
        };
    Thread stream = Thread.ofPlatform().start(() -> split.multiply(work, 10, MANY));
    Thread worker =
        Thread.ofPlatform()
            .start(() -> {
              while (!split.help(1)) {
                Thread.onSpinWait();
              }
            });
    await(begun);
    while (sum(byThread) < 9) {
      Thread.sleep(1);
    }
    assertThat(split.isWaiting()).isFalse();
    assertThat(split.isLeft()).isFalse();
    assertThat(stream.isAlive()).isTrue();
    goOn.countDown();
    stream.join();
    worker.join();
    assertThat(split.isLeft()).isTrue();
    assertEachOnce(times);
  }

  private static int sum(AtomicIntegerArray counts) {
    int sum = 0;
    for (int i = 0; i < counts.length(); i++) {
      sum += counts.get(i);
    }
    return sum;
  }

  @Test
  void whatFailsInAWorkerFailsInTheThread() {
    Team team = new Team(2, SPIN, 1);
    team.start();
    Split split = new Split(team, "a stream");
    AtomicBoolean failed = new AtomicBoolean();
    Split.Work work =
        (from, to, worker) -> {
          if (worker == 1) {
            failed.set(true);
            throw new AssertionError("a check of positions %d".formatted(from));
          }
          while (!failed.get()) {
            Thread.onSpinWait();
          }
        };
    assertThatThrownBy(() -> split.multiply(work, 40, MANY))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("a check of positions");
    AtomicIntegerArray times = new AtomicIntegerArray(40);
    split.multiply((from, to, worker) -> count(times, from, to), 40, MANY);
    assertEachOnce(times);
    team.close();
  }

  /** The thread fails in a chunk: nobody begins another, and it leaves when the worker has. */
  @Test
  void aThreadThatFailsWaitsForTheWorkerInside() throws InterruptedException {
    Split split = new Split(new Team(2, SPIN, 1), "a stream");
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    AtomicBoolean left = new AtomicBoolean();
    Split.Work work =
        (from, to, worker) -> {
          if (worker == 0) {
            await(begun);
            throw new IllegalStateException("no more room");
          }
          begun.countDown();
          await(goOn);
          left.set(true);
        };
    Thread stream =
        Thread.ofPlatform()
            .start(() -> {
              try {
                split.multiply(work, 40, MANY);
              } catch (Throwable e) {
                thrown.set(left.get() ? e : new AssertionError("left before the worker", e));
              }
            });
    Thread worker =
        Thread.ofPlatform()
            .start(() -> {
              while (!split.help(1)) {
                Thread.onSpinWait();
              }
            });
    await(begun);
    while (split.isWaiting()) {
      Thread.sleep(1);
    }
    assertThat(split.help(1)).isFalse();
    goOn.countDown();
    stream.join();
    worker.join();
    assertThat(thrown.get()).hasMessage("no more room");
  }

  @Test
  void aWorkerBeginsWithItsOwnShare() {
    Split split = new Split(new Team(2, SPIN, 1), "a stream");
    int[] first = new int[] {-1, -1};
    Split.Work work =
        (from, to, worker) -> {
          first[worker] = first[worker] < 0 ? from : first[worker];
          if (worker == 0 && from == 0) {
            split.help(1);
          }
        };
    split.multiply(work, 48, MANY);
    assertThat(first).containsExactly(0, 24);
  }

  @Test
  void smallWorkIsNotShared() {
    Team team = new Team(2, SPIN, 1_000);
    Split split = new Split(team, "a stream");
    int[] calls = new int[1];
    split.multiply((from, to, worker) -> calls[0]++, 100, 999);
    assertThat(calls[0]).isOne();
    split.multiply((from, to, worker) -> calls[0]++, 100, 1_000);
    assertThat(calls[0]).isEqualTo(5);
    split.multiply((from, to, worker) -> calls[0]++, 1, 1_000_000);
    assertThat(calls[0]).isEqualTo(6);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
