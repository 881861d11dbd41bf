package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.session.BatchSession;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.stage.BatchRun;
import io.github.stillgate.core.stage.NetworkAccess;
import io.github.stillgate.core.stage.SequenceRun;
import io.github.stillgate.core.stage.StreamRun;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * How plans and streams end, whatever backend is below them: by closing, by being dropped, by a
 * call that breaks off. Nothing leaks, nothing is freed under a step, nothing is left half-way.
 *
 * <p>The tag lets CI leave it out where it runs a backend's contract again at another width.
 */
@Tag("lifetime")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class LifetimeContract {
  private static final int TOKENS = 27;

  private final Backend backend;

  protected LifetimeContract(Backend backend) {
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
  void closedStreamsAreFreedWithoutAGarbageCollection() throws InterruptedException {
    try (Plan plan = Plan.compile(TestModels.conditional(TOKENS, 96, 8, 2), options())) {
      List<MemorySegment> memory = new ArrayList<>();
      for (int i = 0; i < 2_000; i++) {
        StreamRun stream = NetworkAccess.of(plan).openStream();
        memory.add(stream.input());
        stream.close();
        if (i % 50 == 0) {
          BatchRun batch = NetworkAccess.of(plan).openBatch(64);
          memory.add(batch.stream(63).state());
          batch.close();
          SequenceRun sequence = NetworkAccess.of(plan).openSequence();
          sequence.enter();
          memory.add(sequence.room(100));
          sequence.exit();
          memory.add(sequence.state());
          sequence.close();
        }
      }
      awaitFreed(memory);
    }
  }

  @Test
  void droppedStreamsAreFreedAfterAGarbageCollection() throws InterruptedException {
    List<MemorySegment> memory = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      dropAPlan(memory);
    }
    until(() -> {
      System.gc();
      return memory.stream().noneMatch(segment -> segment.scope().isAlive());
    });
  }

  private void dropAPlan(List<MemorySegment> memory) {
    Plan plan = Plan.compile(TestModels.gru(TOKENS, 100, 4), options());
    memory.add(NetworkAccess.of(plan).openStream().input());
    memory.add(NetworkAccess.of(plan).openBatch(8).stream(0).input());
    memory.add(NetworkAccess.of(plan).openSequence().state());
  }

  private static void awaitFreed(List<MemorySegment> memory) throws InterruptedException {
    until(() -> memory.stream().noneMatch(segment -> segment.scope().isAlive()));
  }

  /** Waits for what another thread is to do; a minute, which only a failing test takes. */
  private static void until(BooleanSupplier done) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
    while (!done.getAsBoolean()) {
      assertThat(System.nanoTime()).as("deadline").isLessThan(deadline);
      Thread.sleep(2);
    }
  }

  @Test
  void aSequenceUsesItsMemoryAgain() {
    try (Plan plan = Plan.compile(TestModels.gru(TOKENS, 64, 2), options())) {
      SequenceRun sequence = NetworkAccess.of(plan).openSequence();
      sequence.enter();
      MemorySegment room = sequence.room(2_000);
      for (int steps = 1; steps <= 2_000; steps += 37) {
        assertThat(sequence.room(steps).address()).isEqualTo(room.address());
      }
      sequence.room(2_001);
      assertThat(room.scope().isAlive()).isFalse();
      sequence.exit();
    }
  }

  @Test
  void aSequenceOfOtherLengthsHasTheSameBits() {
    try (Plan plan = Plan.compile(TestModels.vectors(19, 50, 3, 6), options());
        Sequence used = Sequence.open(plan)) {
      for (int steps : new int[] {70, 3, 33, 71, 1}) {
        float[][] input = new float[steps][19];
        for (int t = 0; t < steps; t++) {
          for (int i = 0; i < input[t].length; i++) {
            input[t][i] = 1f / (1 + i + t);
          }
        }
        used.reset();
        float[][] again = used.run(input);
        try (Sequence fresh = Sequence.open(plan)) {
          assertThat(again).isDeepEqualTo(fresh.run(input));
        }
      }
    }
  }

  /** Freed memory is unmapped at once, or overwritten: see mallopt(3). */
  @ParameterizedTest
  @CsvSource({
    "MALLOC_MMAP_THRESHOLD_=4096, 1",
    "MALLOC_PERTURB_=165, 1",
    "MALLOC_MMAP_THRESHOLD_=4096, 3",
    "MALLOC_PERTURB_=165, 3"
  })
  void nothingIsFreedUnderAStep(String variable, String threads, @TempDir Path folder)
      throws IOException, InterruptedException {
    assumeTrue(Files.exists(Path.of("/proc/self/maps")), "needs the C library of Linux");
    Path output = folder.resolve("output");
    ProcessBuilder program =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--add-modules",
            "jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-XX:-CreateCoredumpOnCrash",
            "-XX:ErrorFile=" + folder.resolve("hs_err.log"),
            "-XX:+UseSerialGC",
            "-Xmx256m",
            "-cp",
            System.getProperty("java.class.path"),
            DroppedUnderStep.class.getName(),
            backend.name(),
            threads);
    String[] pair = variable.split("=");
    program.environment().put(pair[0], pair[1]);
    program.redirectErrorStream(true).redirectOutput(output.toFile());
    Process process = program.start();
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(output, StandardCharsets.UTF_8)).isZero();
  }

  /** A step is long, a look is short: closing happens while others are inside nearly every time. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void closingUnderSteppingThreadsRefusesThem(int threads) throws InterruptedException {
    Model model = TestModels.conditional(TOKENS, 100, 16, 10);
    FuzzRun run = FuzzRun.begin("close under " + threads + " threads, " + backend.name(), 30);
    while (run.next()) {
      Plan plan = Plan.compile(model, options());
      Session shared = Session.open(plan);
      BatchSession batch = BatchSession.open(plan, 3);
      Sequence sequence = Sequence.open(plan);
      CountDownLatch stepping = new CountDownLatch(threads);
      AtomicReference<Throwable> wrong = new AtomicReference<>();
      List<Thread> all = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        int which = i % 4;
        Session own = Session.open(plan);
        BatchSession.Stream stream = which == 1 ? batch.join() : null;
        all.add(
            Thread.ofPlatform()
                .start(() -> {
                  float[] output = new float[TOKENS];
                  boolean counted = false;
                  try {
                    while (true) {
                      switch (which) {
                        case 1 -> {
                          stream.feed(1);
                          batch.step();
                        }
                        case 2 -> sequence.run(new int[50]);
                        case 3 -> shared.step(1, output);
                        default -> own.step(1, output);
                      }
                      if (!counted) {
                        stepping.countDown();
                        counted = true;
                      }
                    }
                  } catch (IllegalStateException closed) {
                    if (!closed.getMessage().contains("plan of this session is closed")) {
                      wrong.set(closed);
                    }
                  } catch (Throwable other) {
                    wrong.set(other);
                  }
                }));
      }
      stepping.await();
      plan.close();
      assertThatIllegalStateException().isThrownBy(() -> Session.open(plan));
      for (Thread thread : all) {
        thread.join();
      }
      assertThat(wrong.get()).isNull();
    }
  }

  @Test
  void aLongRunEndsWhereItIsClosed() throws InterruptedException {
    try (Plan plan = Plan.compile(TestModels.gru(TOKENS, 128, 2), options())) {
      for (boolean byPlan : new boolean[] {false, true}) {
        Sequence sequence = Sequence.open(plan);
        AtomicReference<String> message = new AtomicReference<>("");
        Thread running =
            Thread.ofPlatform()
                .start(() -> {
                  // Whoever asks whether it is inside may be inside at that moment: then once more.
                  do {
                    try {
                      sequence.run(new int[300_000]);
                    } catch (IllegalStateException e) {
                      message.set(e.getMessage());
                    }
                  } while (message.get().contains("another thread"));
                });
        until(() -> isInside(sequence));
        if (byPlan) {
          plan.close();
        } else {
          sequence.close();
        }
        running.join();
        assertThat(message.get()).contains(byPlan ? "plan of this session" : "session is closed");
      }
    }
  }

  private static boolean isInside(Sequence sequence) {
    try {
      sequence.reset();
      return false;
    } catch (IllegalStateException refused) {
      return refused.getMessage().contains("another thread");
    }
  }

  /** A caller's array may be written while it is read: NaN is refused, or was not there yet. */
  @Test
  void anInputThatChangesDuringAStepNeverReachesTheState() throws InterruptedException {
    FuzzRun fuzz = FuzzRun.begin("changing input, " + backend.name(), 3);
    try (Plan plan = Plan.compile(TestModels.vectors(19, 50, 3, 6), options())) {
      while (fuzz.next()) {
        float[] input = new float[19];
        AtomicBoolean stop = new AtomicBoolean();
        Thread writer =
            Thread.ofPlatform()
                .start(() -> {
                  while (!stop.get()) {
                    input[17] = Float.NaN;
                    Thread.onSpinWait();
                    input[17] = 0.5f;
                    Thread.onSpinWait();
                  }
                });
        try (Session session = Session.open(plan);
            BatchSession batch = BatchSession.open(plan, 1);
            Sequence sequence = Sequence.open(plan)) {
          BatchSession.Stream stream = batch.join();
          float[] output = new float[3];
          for (int step = 0; step < 60_000; step++) {
            try {
              switch (step % 3) {
                case 0 -> session.step(input, output);
                case 1 -> {
                  stream.feed(input);
                  batch.step();
                }
                default -> sequence.run(new float[][] {input, input});
              }
            } catch (IllegalArgumentException refused) {
              // What the writer is for.
            }
          }
          session.restore(session.snapshot());
          stream.restore(stream.snapshot());
          NetworkAccess.of(plan)
              .stateParts()
              .forEach(part -> sequence.state(part.name(), sequence.state(part.name())));
        } finally {
          stop.set(true);
          writer.join();
        }
      }
    }
  }

  /** Steps that begin at the very end of a stack: done, not done, or the session is closed. */
  @Test
  void aStepAtTheEndOfTheStackLeavesNoHalfState() throws InterruptedException {
    Model model = TestModels.conditional(TOKENS, 48, 8, 1);
    try (Plan plan = Plan.compile(model, options())) {
      inADeepThread(depth -> stepAtTheEnd(plan, depth));
      inADeepThread(depth -> batchStepAtTheEnd(plan, depth));
    }
  }

  private interface AtDepth {
    void run(int depth);
  }

  private static void inADeepThread(AtDepth attempt) throws InterruptedException {
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread thread =
        new Thread(
            null,
            () -> {
              try {
                int limit = deepest();
                for (int round = 0; round < 3; round++) {
                  for (int back = 0; back < 120; back++) {
                    attempt.run(limit - back);
                  }
                }
              } catch (Throwable e) {
                failure.set(e);
              }
            },
            "end of the stack",
            512 * 1024);
    thread.start();
    thread.join();
    assertThat(failure.get()).isNull();
  }

  private static void stepAtTheEnd(Plan plan, int depth) {
    float[] output = new float[TOKENS];
    try (Session session = Session.open(plan);
        Session other = Session.open(plan)) {
      session.step(4, output);
      byte[] before = session.snapshot();
      other.restore(before);
      other.step(7, output);
      byte[] after = other.snapshot();
      boolean returned = overflowing(depth, () -> session.step(7, output));
      byte[] now;
      try {
        now = session.snapshot();
      } catch (IllegalStateException closed) {
        assertThat(closed).hasMessageContaining("broke off");
        return;
      }
      assertThat(now).isEqualTo(returned ? after : before);
    }
  }

  private static void batchStepAtTheEnd(Plan plan, int depth) {
    try (BatchSession batch = BatchSession.open(plan, 3)) {
      BatchSession.Stream[] streams = {batch.join(), batch.join(), batch.join()};
      boolean returned =
          overflowing(
              depth,
              () -> {
                for (BatchSession.Stream stream : streams) {
                  stream.feed(5);
                }
                batch.step();
              });
      try {
        int fed = 0;
        for (BatchSession.Stream stream : streams) {
          try {
            stream.feed(9);
          } catch (IllegalStateException already) {
            if (!already.getMessage().contains("fed already")) {
              throw already;
            }
          }
          fed++;
        }
        assertThat(batch.step()).isEqualTo(fed);
        assertThat(streams[0].snapshot()).isNotNull();
      } catch (IllegalStateException closed) {
        assertThat(closed).hasMessageContaining("broke off");
        assertThat(returned).isFalse();
      }
    }
  }

  private static boolean overflowing(int depth, Runnable call) {
    try {
      deep(depth, call);
      return true;
    } catch (StackOverflowError expected) {
      return false;
    }
  }

  private static int deep(int calls, Runnable call) {
    if (calls == 0) {
      call.run();
      return 0;
    }
    return 1 + deep(calls - 1, call);
  }

  private static int deepest() {
    int fits = 10;
    int overflows = 200_000;
    while (overflows - fits > 1) {
      int middle = (fits + overflows) / 2;
      if (overflowing(middle, () -> {})) {
        fits = middle;
      } else {
        overflows = middle;
      }
    }
    return fits;
  }

  /** Code that is not compiled allocates: on the vector backend, kilobytes for each row. */
  @Test
  void theFirstBatchStepAndSequenceAfterWarmUpAreCompiled() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (Plan plan = Plan.compile(TestModels.conditional(TOKENS, 96, 8, 2), options())) {
      plan.warmUp();
      try (BatchSession batch = BatchSession.open(plan, 64)) {
        List<BatchSession.Stream> streams = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
          streams.add(batch.join());
        }
        streams.forEach(stream -> stream.feed(3));
        long before = threads.getCurrentThreadAllocatedBytes();
        batch.step();
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(20_000);
      }
      try (Sequence sequence = Sequence.open(plan)) {
        int[] tokens = new int[64];
        long before = threads.getCurrentThreadAllocatedBytes();
        sequence.run(tokens);
        // The results are 64 arrays of 27 floats.
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(60_000);
      }
    }
  }
}
