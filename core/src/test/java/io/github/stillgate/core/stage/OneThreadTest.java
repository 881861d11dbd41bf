package io.github.stillgate.core.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Threads;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/** Who gets in, and when memory is freed; what threads do here is decided, not raced for. */
class OneThreadTest {
  private static final PlanOptions OPTIONS = PlanOptions.defaults().withBackend("reference");

  private static Plan plan() {
    return Plan.compile(TestModels.gru(5, 9, 1), OPTIONS);
  }

  @Test
  void closingDoesNotWaitForTheThreadInside() throws InterruptedException {
    Plan plan = plan();
    StreamRun stream = NetworkAccess.of(plan).openStream();
    MemorySegment memory = stream.input();
    stream.enter();
    run(stream::close);
    assertThat(memory.scope().isAlive()).isTrue();
    stream.step();
    stream.exit();
    awaitFreed(memory);
    assertThatIllegalStateException()
        .isThrownBy(stream::enter)
        .withMessageContaining("session is closed");
    plan.close();
  }

  @Test
  void aPlanIsFreedAfterTheLastThreadInsideHasLeft() throws InterruptedException {
    Plan plan = plan();
    StreamRun idle = NetworkAccess.of(plan).openStream();
    StreamRun stream = NetworkAccess.of(plan).openStream();
    MemorySegment memory = stream.input();
    stream.enter();
    run(plan::close);
    awaitFreed(idle.input());
    assertThatIllegalStateException()
        .isThrownBy(() -> NetworkAccess.of(plan).openStream())
        .withMessageContaining("plan is closed");
    assertThat(memory.scope().isAlive()).isTrue();
    assertThat(NetworkAccess.of(plan).packs().isAlive()).isTrue();
    stream.step();
    stream.exit();
    awaitFreed(memory);
    await(() -> !NetworkAccess.of(plan).packs().isAlive());
    assertThatIllegalStateException()
        .isThrownBy(stream::enter)
        .withMessageContaining("plan of this session is closed");
  }

  /** The packs are held by the plan and by each stream: what is dropped lets go. */
  @Test
  void aPlanThatIsDroppedIsFreedAfterAGarbageCollection() throws InterruptedException {
    List<PackArena> packs = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      Plan plan = plan();
      packs.add(NetworkAccess.of(plan).packs());
      StreamRun closed = NetworkAccess.of(plan).openStream();
      NetworkAccess.of(plan).openStream();
      NetworkAccess.of(plan).openSequence();
      closed.close();
    }
    await(() -> {
      System.gc();
      return packs.stream().noneMatch(PackArena::isAlive);
    });
  }

  @Test
  void manyStreamsClosedAtOnceAreAllFreed() throws InterruptedException {
    Plan plan = plan();
    StreamRun[] streams = new StreamRun[500];
    for (int i = 0; i < streams.length; i++) {
      streams[i] = NetworkAccess.of(plan).openStream();
    }
    plan.close();
    for (StreamRun stream : streams) {
      awaitFreed(stream.input());
    }
    await(() -> !NetworkAccess.of(plan).packs().isAlive());
  }

  @Test
  void aThreadThatEndedInsideHoldsNothing() throws InterruptedException {
    Plan plan = plan();
    StreamRun stream = NetworkAccess.of(plan).openStream();
    run(stream::enter);
    assertThatIllegalStateException()
        .isThrownBy(stream::enter)
        .withMessageContaining("another thread");
    stream.close();
    awaitFreed(stream.input());
    plan.close();
  }

  /** As if the stream's thread had left without room to wait for the worker. */
  @Test
  void memoryIsNotFreedUnderAWorker() throws InterruptedException {
    PlanOptions options = OPTIONS.withThreads(Threads.of(2).withLeastBytes(0));
    try (Plan plan = Plan.compile(TestModels.gru(5, 9, 1), options)) {
      Network network = NetworkAccess.of(plan);
      network.packs().hold();
      OneThread gate = new OneThread(network, network.packs());
      MemorySegment memory = gate.memory().allocate(64, 64);
      CountDownLatch begun = new CountDownLatch(2);
      CountDownLatch goOn = new CountDownLatch(1);
      Split split = Objects.requireNonNull(gate.split());
      Split.Work work =
          (from, to, worker) -> {
            begun.countDown();
            try {
              goOn.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          };
      Thread stream = Thread.ofPlatform().start(() -> split.multiply(work, 2, 1_000));
      Thread worker =
          Thread.ofPlatform()
              .start(() -> {
                while (!split.help(1)) {
                  Thread.onSpinWait();
                }
              });
      begun.await();
      gate.close();
      Thread.sleep(20);
      assertThat(memory.scope().isAlive()).isTrue();
      goOn.countDown();
      worker.join();
      stream.join();
      awaitFreed(memory);
    }
  }

  @Test
  void aChangeThatDoesNotFinishCloses() {
    try (Plan plan = plan()) {
      StreamRun stream = NetworkAccess.of(plan).openStream();
      stream.enter();
      stream.begin();
      stream.exit();
      assertThatIllegalStateException()
          .isThrownBy(stream::enter)
          .withMessageContaining("broke off half-way");
    }
  }

  @Test
  void anExitThatWasLostCloses() {
    try (Plan plan = plan()) {
      StreamRun stream = NetworkAccess.of(plan).openStream();
      stream.enter();
      for (int i = 0; i < 2; i++) {
        assertThatIllegalStateException()
            .isThrownBy(stream::enter)
            .withMessageContaining("broke off half-way");
      }
    }
  }

  @Test
  void onlyTheThreadInsideGetsOut() throws InterruptedException {
    try (Plan plan = plan()) {
      StreamRun stream = NetworkAccess.of(plan).openStream();
      stream.exit();
      stream.enter();
      run(stream::exit);
      run(() ->
          assertThatIllegalStateException()
              .isThrownBy(stream::step)
              .withMessageContaining("after enter() only"));
      stream.step();
      stream.exit();
    }
  }

  private static void run(Runnable task) throws InterruptedException {
    Throwable[] failure = new Throwable[1];
    Thread thread =
        Thread.ofPlatform()
            .start(() -> {
              try {
                task.run();
              } catch (Throwable e) {
                failure[0] = e;
              }
            });
    thread.join();
    assertThat(failure[0]).isNull();
  }

  private static void awaitFreed(MemorySegment memory) throws InterruptedException {
    await(() -> !memory.scope().isAlive());
  }

  private static void await(BooleanSupplier done) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
    while (!done.getAsBoolean()) {
      assertThat(System.nanoTime()).isLessThan(deadline);
      Thread.sleep(1);
    }
  }
}
