package io.github.stillgate.core.stage;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.stillgate.contract.TestModels;
import io.github.stillgate.core.plan.Backends;
import io.github.stillgate.core.plan.Plan;
import io.github.stillgate.core.plan.PlanOptions;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A thread whose rounding a native library has changed, by the C library's own fesetround. */
class ArithmeticTest {
  @Test
  void aThreadOfJavaIsUnchanged() {
    assertThat(Arithmetic.changed()).isEmpty();
  }

  /** The constants are those of fenv.h on x86-64 and arm64. */
  @ParameterizedTest
  @CsvSource({
    "0x400, 0x800000, rounds down",
    "0x800, 0x400000, rounds up",
    "0xc00, 0xc00000, rounds towards zero"
  })
  void anotherRoundingIsSeen(String onX86, String onArm, String said) throws Exception {
    int mode = Integer.decode(System.getProperty("os.arch").contains("aarch64") ? onArm : onX86);
    AtomicReference<Optional<String>> found = new AtomicReference<>(Optional.empty());
    onAThreadThatRounds(mode, () -> found.set(Arithmetic.changed()));
    assertThat(found.get()).contains(said);
    assertThat(Arithmetic.changed()).isEmpty();
  }

  @Test
  void openingAStreamOnSuchAThreadIsTold() throws Exception {
    List<String> messages = new ArrayList<>();
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord logged) {
            messages.add(logged.getLevel() + " " + logged.getMessage());
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    Logger logger = Logger.getLogger(Backends.LOGGER);
    logger.addHandler(handler);
    try (Plan plan =
        Plan.compile(TestModels.gru(5, 9, 1), PlanOptions.defaults().withBackend("reference"))) {
      int mode = System.getProperty("os.arch").contains("aarch64") ? 0xc00000 : 0xc00;
      onAThreadThatRounds(
          mode,
          () -> {
            NetworkAccess.of(plan).openStream().close();
            NetworkAccess.of(plan).openStream().close();
          });
      NetworkAccess.of(plan).openStream().close();
    } finally {
      logger.removeHandler(handler);
    }
    assertThat(messages).hasSize(1);
    assertThat(messages.get(0))
        .startsWith("WARNING")
        .contains("the thread rounding rounds towards zero", "restore the state");
  }

  @SuppressWarnings("restricted")
  private static void onAThreadThatRounds(int mode, Runnable task) throws Exception {
    Linker linker = Linker.nativeLinker();
    Optional<MemorySegment> function = linker.defaultLookup().find("fesetround");
    assumeTrue(function.isPresent(), "the C library has no fesetround where Java looks");
    MethodHandle setRounding =
        linker.downcallHandle(function.get(), FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread thread =
        Thread.ofPlatform()
            .name("rounding")
            .start(() -> {
              try {
                int refused = (int) setRounding.invokeExact(mode);
                assertThat(refused).isZero();
                task.run();
              } catch (Throwable e) {
                failure.set(e);
              }
            });
    thread.join();
    assertThat(failure.get()).isNull();
  }
}
