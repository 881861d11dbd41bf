package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.Session;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Threads, closing and warming up, whatever backend is below. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class LifecycleContract {
  private final Backend backend;

  protected LifecycleContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  private PlanOptions options() {
    return PlanOptions.defaults().withBackend(backend.name());
  }

  @Test
  void aSecondThreadInsideASessionIsRefused() throws InterruptedException {
    Model model = TestModels.conditional(27, 200, 16, 10);
    AtomicLong refused = new AtomicLong();
    AtomicLong wrong = new AtomicLong();
    AtomicBoolean stop = new AtomicBoolean();
    CountDownLatch ready = new CountDownLatch(2);
    try (Plan plan = Plan.compile(model, options());
        Session session = Session.open(plan)) {
      Runnable stepping =
          () -> {
            float[] out = new float[27];
            ready.countDown();
            while (!stop.get()) {
              try {
                session.step(1, out);
              } catch (IllegalStateException e) {
                if (e.getMessage().contains("another thread")) {
                  refused.incrementAndGet();
                } else {
                  wrong.incrementAndGet();
                }
              }
            }
          };
      Thread one = Thread.ofPlatform().start(stepping);
      Thread two = Thread.ofPlatform().start(stepping);
      ready.await();
      long deadline = System.nanoTime() + 20_000_000_000L;
      while (refused.get() == 0 && System.nanoTime() < deadline) {
        Thread.sleep(5);
      }
      stop.set(true);
      one.join();
      two.join();
      assertThat(refused.get()).isPositive();
      assertThat(wrong.get()).isZero();
      // Handing the session on between steps is allowed: this thread has never used it.
      session.step(1, new float[27]);
    }
  }

  @Test
  void closingAPlanUnderARunningSessionIsSafe() throws InterruptedException {
    for (int round = 0; round < 20; round++) {
      Plan plan = Plan.compile(TestModels.conditional(27, 100, 16, 10), options());
      Session session = Session.open(plan);
      CountDownLatch started = new CountDownLatch(1);
      StringBuilder message = new StringBuilder();
      Thread thread =
          Thread.ofPlatform()
              .start(() -> {
                float[] out = new float[27];
                try {
                  while (true) {
                    session.step(2, out);
                    started.countDown();
                  }
                } catch (IllegalStateException e) {
                  message.append(e.getMessage());
                }
              });
      started.await();
      plan.close();
      thread.join();
      assertThat(message.toString()).contains("plan of this session is closed");
    }
  }

  @Test
  void closedSessionsAndPlansSaySo() {
    Plan plan = Plan.compile(TestModels.gru(9, 33, 4), options());
    Session session = Session.open(plan);
    float[] out = new float[9];
    session.step(1, out);
    session.close();
    session.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> session.step(1, out))
        .withMessageContaining("session is closed");
    assertThatIllegalStateException().isThrownBy(session::snapshot);
    assertThatIllegalStateException().isThrownBy(session::reset);
    plan.close();
    plan.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> Session.open(plan))
        .withMessageContaining("plan is closed");
    assertThatIllegalStateException().isThrownBy(plan::warmUp);
  }

  @Test
  void warmUpReportsTheFirstStepBehindIt() {
    try (Plan plan = Plan.compile(TestModels.conditional(27, 64, 16, 2), options())) {
      Plan.WarmUp report = plan.warmUp();
      assertThat(report.steps()).isPositive();
      assertThat(report.firstStep()).isPositive().isLessThan(report.took());
    }
  }

  @Test
  void warmUpForAStreamReportsItsFirstStep() {
    try (Plan plan = Plan.compile(TestModels.conditional(27, 64, 16, 2), options())) {
      Plan.WarmUp report = plan.warmUp(Set.of(Plan.Use.STREAM));
      assertThat(report.steps()).isPositive();
      assertThat(report.firstStep()).isPositive().isLessThan(report.took());
    }
  }

  @Test
  void warmUpForWhatANetworkIsNotRunAsIsRefused() {
    try (Plan plan = Plan.compile(TestModels.conditional(27, 64, 16, 2), options())) {
      assertThatIllegalArgumentException().isThrownBy(() -> plan.warmUp(Set.of()));
    }
    try (Plan plan = Plan.compile(TestModels.bidirectional(5, 8, 1), options())) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> plan.warmUp(Set.of(Plan.Use.STREAM, Plan.Use.SEQUENCE)))
          .withMessageContaining("[SEQUENCE]");
    }
  }
}
