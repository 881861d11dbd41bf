package io.github.stillgate.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.stillgate.core.kernel.Backend;
import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import io.github.stillgate.core.plan.Threads;
import io.github.stillgate.core.plan.WeightFormat;
import io.github.stillgate.core.session.BatchSession;
import io.github.stillgate.core.session.Sequence;
import io.github.stillgate.core.session.Session;
import io.github.stillgate.core.stage.NetworkAccess;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a plan with workers promises, whatever backend is below it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class ThreadsContract {
  private static final int TOKENS = 27;

  private final Backend backend;

  protected ThreadsContract(Backend backend) {
    this.backend = backend;
  }

  @BeforeEach
  void require() {
    RequiredBackend.check(backend);
  }

  private PlanOptions options() {
    return PlanOptions.defaults().withBackend(backend.name());
  }

  /** Everything of two groups and more is shared. */
  private PlanOptions shared(int threads) {
    return options().withThreads(Threads.of(threads).withLeastBytes(0));
  }

  static Stream<Model> models() {
    return Stream.of(
        TestModels.conditional(TOKENS, 64, 16, 2),
        TestModels.full(7, 45, 21),
        TestModels.block(9, 7, 5, 23),
        TestModels.hybrid(TOKENS, 3, 32, 27),
        TestModels.activations(11, 5, 9, 28),
        TestModels.gru(9, 33, 4),
        TestModels.gru(TOKENS, 200, 5),
        TestModels.resetBefore(11, 70, 61),
        TestModels.resetBias(9, 45, 63),
        TestModels.lstm(11, 140, 90, 64),
        TestModels.coupled(13, 50, 66),
        TestModels.sru(11, 70, 68),
        TestModels.sruOfTokens(33, 70),
        TestModels.conditionalDense(11, 37, 4, 77));
  }

  @ParameterizedTest
  @MethodSource("models")
  void everyNumberOfThreadsHasTheBitsOfOne(Model model) {
    for (WeightFormat format : WeightFormat.values()) {
      for (int threads : new int[] {2, 3}) {
        assertSameBits(model, options().withWeights(format), threads);
      }
    }
  }

  @Test
  void soItHasWhatSkipsNothingOrBelowEpsilon() {
    assertSameBits(
        TestModels.conditional(TOKENS, 64, 16, 2), options().withSkipping(Skipping.NOTHING), 2);
    assertSameBits(
        TestModels.estimated(TOKENS, 40, 8, 0.25f, 75),
        options().withSkipping(Skipping.below(0.3f)),
        3);
  }

  /** Workers that park after every look, and workers that look for ever. */
  @ParameterizedTest
  @ValueSource(longs = {0, 10_000_000})
  void soItHasHoweverWorkersWait(long nanos) {
    Threads threads = Threads.of(3).withLeastBytes(0).withSpin(Duration.ofNanos(nanos));
    Model model = TestModels.gru(TOKENS, 128, 6);
    try (Plan alone = Plan.compile(model, options());
        Plan together = Plan.compile(model, options().withThreads(threads))) {
      Steps.assertSameBits(alone, together, 2_000);
    }
  }

  private static void assertSameBits(Model model, PlanOptions options, int threads) {
    Threads all = Threads.of(threads).withLeastBytes(0);
    try (Plan alone = Plan.compile(model, options);
        Plan together = Plan.compile(model, options.withThreads(all))) {
      Steps.assertSameBits(alone, together, 60);
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void soHaveBatchesAndSequences(Model model) {
    for (WeightFormat format : WeightFormat.values()) {
      PlanOptions options = options().withWeights(format);
      try (Plan alone = Plan.compile(model, options);
          Plan together =
              Plan.compile(model, options.withThreads(Threads.of(3).withLeastBytes(0)))) {
        assertThat(batch(together)).isDeepEqualTo(batch(alone));
        assertThat(sequence(together)).isDeepEqualTo(sequence(alone));
      }
    }
  }

  /** What five streams answer, some of which pause. */
  private static float[][] batch(Plan plan) {
    int inputs = plan.model().inputs();
    int steps = 12;
    int streams = 5;
    float[][] outputs = new float[steps * streams][plan.model().outputs()];
    try (BatchSession batch = BatchSession.open(plan, streams)) {
      List<BatchSession.Stream> all = new ArrayList<>();
      for (int i = 0; i < streams; i++) {
        all.add(batch.join());
      }
      for (int step = 0; step < steps; step++) {
        for (int i = step % 3; i < streams; i++) {
          all.get(i).feed((7 * step + i) % inputs);
        }
        batch.step();
        for (int i = step % 3; i < streams; i++) {
          all.get(i).read(outputs[step * streams + i]);
        }
      }
    }
    return outputs;
  }

  /** More steps than are multiplied ahead. */
  private static float[][] sequence(Plan plan) {
    float[][] input = new float[40][plan.model().inputs()];
    for (int t = 0; t < input.length; t++) {
      for (int i = 0; i < input[t].length; i++) {
        input[t][i] = (float) Math.sin(t + 3 * i);
      }
    }
    try (Sequence sequence = Sequence.open(plan)) {
      return sequence.run(input);
    }
  }

  @Test
  void manySessionsOfOnePlanStepAtOnce() throws InterruptedException {
    Model model = TestModels.gru(TOKENS, 128, 6);
    int steps = 400;
    float[] expected = new float[model.outputs()];
    try (Plan alone = Plan.compile(model, options())) {
      run(alone, steps, expected);
    }
    try (Plan plan = Plan.compile(model, shared(3))) {
      AtomicReference<Throwable> wrong = new AtomicReference<>();
      List<Thread> all = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        all.add(
            Thread.ofPlatform()
                .start(() -> {
                  try {
                    float[] output = new float[model.outputs()];
                    run(plan, steps, output);
                    assertThat(Steps.bits(output)).isEqualTo(Steps.bits(expected));
                  } catch (Throwable failed) {
                    wrong.set(failed);
                  }
                }));
      }
      for (Thread thread : all) {
        thread.join();
      }
      assertThat(wrong.get()).isNull();
    }
  }

  private static void run(Plan plan, int steps, float[] output) {
    try (Session session = Session.open(plan)) {
      for (int step = 0; step < steps; step++) {
        session.step(step % TOKENS, output);
      }
    }
  }

  /** The stream's memory, then that of the weights, is freed under workers if they are not seen. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void closingUnderAStepWaitsForNobodyAndFreesEverything(boolean byPlan)
      throws InterruptedException {
    Model model = TestModels.conditional(TOKENS, 100, 16, 10);
    FuzzRun run = FuzzRun.begin("close under workers, " + backend.name(), 30);
    while (run.next()) {
      try (Plan plan = Plan.compile(model, shared(3))) {
        List<Thread> workers = Workers.of(plan);
        Session session = Session.open(plan);
        CountDownLatch stepping = new CountDownLatch(1);
        AtomicReference<String> message = new AtomicReference<>("");
        Thread thread =
            Thread.ofPlatform()
                .start(() -> {
                  float[] output = new float[TOKENS];
                  try {
                    while (true) {
                      session.step(1, output);
                      stepping.countDown();
                    }
                  } catch (IllegalStateException closed) {
                    message.set(closed.getMessage());
                  }
                });
        stepping.await();
        workers = Workers.of(plan);
        assertThat(workers).hasSize(2);
        if (byPlan) {
          plan.close();
        } else {
          session.close();
        }
        thread.join();
        assertThat(message.get()).contains(byPlan ? "plan of this session" : "session is closed");
        plan.close();
        List<Thread> ended = workers;
        until(() -> ended.stream().noneMatch(Thread::isAlive));
      }
    }
  }

  @Test
  void workersAreDaemonsThatParkAndTakeNoTime() throws InterruptedException {
    Model model = TestModels.gru(TOKENS, 128, 6);
    try (Plan plan = Plan.compile(model, shared(2));
        Plan alone = Plan.compile(model, options());
        Session session = Session.open(plan);
        Session other = Session.open(alone)) {
      List<Thread> workers = Workers.of(plan);
      assertThat(workers).hasSize(1).allMatch(Thread::isDaemon);
      float[] output = new float[TOKENS];
      float[] expected = new float[TOKENS];
      long before = Workers.cpuNanos(workers);
      for (int step = 0; step < 300 || Workers.cpuNanos(workers) == before; step++) {
        session.step(step % TOKENS, output);
        other.step(step % TOKENS, expected);
      }
      until(() -> workers.getFirst().getState() == Thread.State.WAITING);
      long parked = Workers.cpuNanos(workers);
      Thread.sleep(500);
      assertThat(Workers.cpuNanos(workers) - parked).isLessThan(5_000_000);
      for (int step = 0; step < 20; step++) {
        session.step(step % TOKENS, output);
        other.step(step % TOKENS, expected);
        assertThat(Steps.bits(output)).isEqualTo(Steps.bits(expected));
        Thread.sleep(2);
      }
      assertThat(Workers.cpuNanos(workers)).isGreaterThan(parked);
    }
  }

  /** Whoever interrupts a worker does not make it busy. */
  @Test
  void anInterruptedWorkerParksAgain() throws InterruptedException {
    try (Plan plan = Plan.compile(TestModels.gru(TOKENS, 64, 6), shared(2));
        Session session = Session.open(plan)) {
      session.step(1, new float[TOKENS]);
      List<Thread> workers = Workers.of(plan);
      workers.forEach(Thread::interrupt);
      until(() -> workers.getFirst().getState() == Thread.State.WAITING);
      long parked = Workers.cpuNanos(workers);
      Thread.sleep(300);
      assertThat(Workers.cpuNanos(workers) - parked).isLessThan(3_000_000);
      session.step(1, new float[TOKENS]);
    }
  }

  @Test
  void smallProductsStartNoWorkers() {
    Model model = TestModels.gru(TOKENS, 40, 6);
    try (Plan alone = Plan.compile(model, options().withThreads(1));
        Plan small = Plan.compile(model, options().withThreads(2));
        Session one = Session.open(alone);
        Session two = Session.open(small)) {
      one.step(1, new float[TOKENS]);
      two.step(1, new float[TOKENS]);
      assertThat(Workers.of(alone)).isEmpty();
      assertThat(Workers.of(small)).isEmpty();
    }
  }

  @Test
  void whatIsDroppedIsFreedAndItsWorkersEnd() throws InterruptedException {
    List<Thread> workers = new ArrayList<>();
    List<MemorySegment> memory = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      dropAPlan(workers, memory);
    }
    assertThat(workers).hasSize(5);
    until(() -> {
      System.gc();
      return workers.stream().noneMatch(Thread::isAlive)
          && memory.stream().noneMatch(segment -> segment.scope().isAlive());
    });
  }

  @Test
  void aDroppedSessionOfAPlanThatLivesIsFreed() throws InterruptedException {
    try (Plan plan = Plan.compile(TestModels.gru(TOKENS, 64, 4), shared(2))) {
      List<MemorySegment> memory = new ArrayList<>();
      for (int i = 0; i < 5; i++) {
        dropAStream(plan, memory);
      }
      until(() -> {
        System.gc();
        return memory.stream().noneMatch(segment -> segment.scope().isAlive());
      });
      assertThat(Workers.of(plan)).hasSize(1).allMatch(Thread::isAlive);
    }
  }

  private void dropAPlan(List<Thread> workers, List<MemorySegment> memory) {
    Plan plan = Plan.compile(TestModels.gru(TOKENS, 64, 4), shared(2));
    dropAStream(plan, memory);
    workers.addAll(Workers.of(plan));
  }

  private static void dropAStream(Plan plan, List<MemorySegment> memory) {
    var stream = NetworkAccess.of(plan).openStream();
    stream.enter();
    stream.begin();
    for (int step = 0; step < 50; step++) {
      stream.step(1);
    }
    stream.finish();
    stream.exit();
    memory.add(stream.input());
  }

  /**
   * Steps that begin at the very end of a stack: the workers outlive them, and so does the plan.
   */
  @Test
  void aStepAtTheEndOfTheStackLeavesTheWorkersToOthers() throws InterruptedException {
    Model model = TestModels.conditional(TOKENS, 48, 8, 1);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    try (Plan plan = Plan.compile(model, shared(2));
        Plan alone = Plan.compile(model, options())) {
      Thread deep =
          new Thread(
              null,
              () -> {
                try {
                  for (int depth = 0; depth < 400; depth++) {
                    try (Session session = Session.open(plan)) {
                      overflow(session, new float[TOKENS], depth);
                    }
                  }
                } catch (Throwable e) {
                  failure.set(e);
                }
              },
              "end of the stack",
              256 * 1024);
      deep.start();
      deep.join();
      assertThat(failure.get()).isNull();
      Steps.assertSameBits(alone, plan, 50);
    }
  }

  /** Steps once on the way back from the end of the stack, {@code distance} calls from it. */
  private static int overflow(Session session, float[] output, int distance) {
    int behind;
    try {
      behind = overflow(session, output, distance);
    } catch (StackOverflowError end) {
      return 0;
    }
    if (behind == distance) {
      try {
        session.step(7, output);
      } catch (IllegalStateException closed) {
        return behind + 1;
      } catch (Error end) {
        if (!(end instanceof StackOverflowError || end.getCause() instanceof StackOverflowError)) {
          throw end;
        }
      }
    }
    return behind + 1;
  }

  /** More threads than cores: a step does not hang on a worker that the machine does not run. */
  @Test
  void oneCoreIsEnough(@TempDir Path folder) throws IOException, InterruptedException {
    Path taskset = Path.of("/usr/bin/taskset");
    assumeTrue(Files.isExecutable(taskset), "needs taskset of util-linux");
    Path output = folder.resolve("output");
    Process process =
        new ProcessBuilder(
                taskset.toString(),
                "--cpu-list",
                firstCore(),
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                StepsOnOneCore.class.getName(),
                backend.name())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(output, StandardCharsets.UTF_8)).isZero();
  }

  /** The first of those this JVM may use. */
  private static String firstCore() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("Cpus_allowed_list:"))
        .map(line -> line.split("\\s+")[1].split("[-,]")[0])
        .findFirst()
        .orElse("0");
  }

  private static void until(BooleanSupplier done) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.MINUTES.toNanos(1);
    while (!done.getAsBoolean()) {
      assertThat(System.nanoTime()).as("deadline").isLessThan(deadline);
      Thread.sleep(2);
    }
  }
}
