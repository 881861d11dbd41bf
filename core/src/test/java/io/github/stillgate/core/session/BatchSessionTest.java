package io.github.stillgate.core.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.stage.BatchRun;
import io.github.stillgate.core.stage.NetworkAccess;
import io.github.stillgate.core.stage.StreamRun;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a batch refuses, and that nothing is lost by it. Bits are tested in the contract. */
class BatchSessionTest {
  private Plan plan;
  private BatchSession batch;

  @BeforeEach
  void open() {
    plan =
        Plan.compile(
            TestModels.block(11, 3, 8, 1), PlanOptions.defaults().withBackend("reference"));
    batch = BatchSession.open(plan, 2);
  }

  @AfterEach
  void close() {
    batch.close();
    plan.close();
  }

  @Test
  void aFullBatchTakesNoOneUntilSomeoneLeaves() {
    BatchSession.Stream first = batch.join();
    batch.join();
    assertThat(batch.size()).isEqualTo(2);
    assertThatIllegalStateException()
        .isThrownBy(batch::join)
        .withMessageContaining("all 2 streams of the batch are taken");
    first.leave();
    first.leave();
    assertThat(batch.size()).isEqualTo(1);
    assertThat(batch.join()).isNotSameAs(first);
    assertThatIllegalStateException()
        .isThrownBy(() -> first.feed(1))
        .withMessageContaining("has left the batch");
    assertThatIllegalStateException().isThrownBy(first::snapshot);
    assertThatIllegalArgumentException().isThrownBy(() -> BatchSession.open(plan, 0));
  }

  @Test
  void aNewStreamStartsFromZeroWhateverWasThereBefore() {
    BatchSession.Stream first = batch.join();
    byte[] zero = first.snapshot();
    first.feed(3);
    batch.step();
    assertThat(first.snapshot()).isNotEqualTo(zero);
    first.leave();
    batch.join();
    assertThat(batch.join().snapshot()).isEqualTo(zero);
  }

  @Test
  void theNumbersOfAStreamAreItsOwn() {
    BatchSession.Stream first = batch.join();
    first.feed(3);
    batch.step();
    int live = first.stats().liveUnits(0);
    long bytes = first.stats().bytesRead();
    assertThat(bytes).isPositive();
    first.leave();
    batch.join();
    BatchSession.Stream second = batch.join();
    assertThat(second.stats().bytesRead()).isZero();
    assertThat(second.stats().liveUnits(0)).isZero();
    for (int token = 0; token < 8; token++) {
      second.feed(token);
      batch.step();
    }
    assertThat(first.stats().liveUnits(0)).isEqualTo(live);
    assertThat(first.stats().bytesRead()).isEqualTo(bytes);
  }

  /** Below the sessions too: kernels read by address, so no misuse may reach freed memory. */
  @Test
  void aStreamThatNobodyEnteredIsNotStepped() {
    StreamRun stream = NetworkAccess.of(plan).openStream();
    assertThatIllegalStateException()
        .isThrownBy(stream::step)
        .withMessageContaining("after enter()");
    BatchRun many = NetworkAccess.of(plan).openBatch(2);
    assertThatIllegalStateException().isThrownBy(many::step);
    assertThatIllegalArgumentException().isThrownBy(() -> NetworkAccess.of(plan).openBatch(0));
    stream.enter();
    stream.step(1);
    stream.exit();
    plan.close();
    stream.exit();
    assertThatIllegalStateException().isThrownBy(stream::enter).withMessageContaining("plan");
    assertThatIllegalStateException().isThrownBy(stream::step);
  }

  @Test
  void aStreamIsFedOnceAStepAndReadAfterIt() {
    BatchSession.Stream stream = batch.join();
    float[] out = new float[11];
    assertThatIllegalStateException()
        .isThrownBy(() -> stream.read(out))
        .withMessageContaining("has not stepped yet");
    assertThat(batch.step()).isZero();
    stream.feed(1);
    assertThatIllegalStateException()
        .isThrownBy(() -> stream.feed(2))
        .withMessageContaining("fed already");
    assertThat(batch.step()).isEqualTo(1);
    stream.read(out);
    assertThat(out[0]).isPositive();
    assertThat(stream.stats().steps()).isEqualTo(1);
  }

  @Test
  void badInputIsRefusedAndChangesNothing() {
    BatchSession.Stream stream = batch.join();
    byte[] before = stream.snapshot();
    float[] nan = new float[11];
    nan[4] = Float.NaN;
    assertThatIllegalArgumentException()
        .isThrownBy(() -> stream.feed(nan))
        .withMessageContaining("input 4 is NaN");
    assertThatIllegalArgumentException().isThrownBy(() -> stream.feed(new float[3]));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> stream.feed(11))
        .withMessageContaining("token 11 is out of range");
    assertThatIllegalArgumentException().isThrownBy(() -> stream.read(new float[4]));
    assertThat(batch.step()).isZero();
    assertThat(stream.snapshot()).isEqualTo(before);
  }

  @Test
  void resettingAndRestoringForgetWhatWasFed() {
    BatchSession.Stream stream = batch.join();
    BatchSession.Stream other = batch.join();
    stream.feed(1);
    other.feed(2);
    batch.step();
    byte[] snapshot = stream.snapshot();
    stream.feed(4);
    other.feed(5);
    stream.reset();
    assertThat(batch.step()).isEqualTo(1);
    stream.restore(snapshot);
    assertThat(stream.snapshot()).isEqualTo(snapshot);
    byte[] damaged = snapshot.clone();
    damaged[30]++;
    assertThatIllegalArgumentException().isThrownBy(() -> stream.restore(damaged));
    assertThat(stream.snapshot()).isEqualTo(snapshot);
    try (Session session = Session.open(plan)) {
      session.restore(snapshot);
      assertThat(session.snapshot()).isEqualTo(snapshot);
    }
  }

  @Test
  void aModelWithoutVocabularyTakesVectorsOnly() {
    try (Plan vectors =
            Plan.compile(
                TestModels.vectors(6, 20, 3, 9), PlanOptions.defaults().withBackend("reference"));
        BatchSession byVector = BatchSession.open(vectors, 1)) {
      BatchSession.Stream stream = byVector.join();
      assertThatThrownBy(() -> stream.feed(1))
          .isInstanceOf(UnsupportedOperationException.class)
          .hasMessageContaining("vectors, not tokens");
      stream.feed(new float[6]);
      assertThat(byVector.step()).isEqualTo(1);
    }
  }

  @Test
  void closedBatchesAndPlansSaySo() {
    BatchSession.Stream stream = batch.join();
    batch.close();
    batch.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> stream.feed(1))
        .withMessageContaining("session is closed");
    BatchSession second = BatchSession.open(plan, 1);
    plan.close();
    assertThatIllegalStateException()
        .isThrownBy(second::step)
        .withMessageContaining("plan of this session is closed");
    assertThatIllegalStateException().isThrownBy(() -> BatchSession.open(plan, 1));
  }

  @Test
  void aSecondThreadInsideIsRefused() throws InterruptedException {
    AtomicReference<Throwable> refused = new AtomicReference<>();
    AtomicBoolean stop = new AtomicBoolean();
    CountDownLatch running = new CountDownLatch(1);
    BatchSession.Stream stream = batch.join();
    Thread other =
        Thread.ofPlatform()
            .start(() -> {
              running.countDown();
              while (!stop.get()) {
                try {
                  batch.step();
                } catch (IllegalStateException e) {
                  refused.compareAndSet(null, e);
                }
              }
            });
    running.await();
    long deadline = System.nanoTime() + 20_000_000_000L;
    while (refused.get() == null && System.nanoTime() < deadline) {
      try {
        stream.reset();
      } catch (IllegalStateException e) {
        refused.compareAndSet(null, e);
      }
    }
    stop.set(true);
    other.join();
    assertThat(refused.get()).hasMessageContaining("another thread");
  }
}
